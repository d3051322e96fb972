"""From images to states."""
