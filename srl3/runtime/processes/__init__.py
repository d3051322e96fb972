"""Other processes that a command runs beside one another. Commands and what evaluates policies import it."""
