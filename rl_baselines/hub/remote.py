"""The hub itself: one commit that sends a folder, a list of files, a file that is fetched. Errors become sentences."""

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srl3.errors import UserError
from srl3.runtime.installation import install_command

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_NO_TOKEN = "make a token at https://huggingface.co/settings/tokens and put it into HF_TOKEN, or run: hf auth login"


class Hub:
    """A connection to the hub, by the address in ``HF_ENDPOINT`` where that is set.

    Args:
        sends: whether something will be sent, which takes a token.
        verbose: show the progress of transfers.

    Raises:
        UserError: when the extra is missing, or a token that is needed.
    """

    def __init__(self, *, sends: bool = False, verbose: bool = True) -> None:
        check_extra()
        import huggingface_hub

        self._verbose = verbose
        if sends and huggingface_hub.get_token() is None:
            raise UserError(f"there is no token of the hub here; {_NO_TOKEN}.")
        self._api: HfApi = huggingface_hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None)

    @property
    def address(self) -> str:
        """Where the hub is."""
        return str(self._api.endpoint)

    def send(self, folder: Path, repository: str, message: str, *, private: bool = False) -> str:
        """Make the repository where it is not there, and put the files of a folder into it in one commit.

        Args:
            folder: its files, by their paths.
            repository: ``<organization>/<name>``.
            message: of the commit.
            private: of a repository that is made.

        Returns:
            the repository's address.
        """
        from huggingface_hub import CommitOperationAdd

        files = sorted(path for path in folder.rglob("*") if path.is_file())
        with self._said(repository, sends=True):
            url = self._api.create_repo(repository, private=private, exist_ok=True)
            operations = [CommitOperationAdd(str(path.relative_to(folder)), str(path)) for path in files]
            self._api.create_commit(repository, operations, commit_message=message)
        return str(url)

    def files(self, repository: str) -> tuple[str, list[str]]:
        """The newest commit of a repository, and the names of the files in it."""
        with self._said(repository):
            info = self._api.model_info(repository)
        return str(info.sha), [sibling.rfilename for sibling in info.siblings or ()]

    def fetch(self, repository: str, commit: str, names: Collection[str], folder: Path) -> None:
        """Put these files of a repository into a folder, under their own names."""
        with self._said(repository):
            for name in names:
                self._api.hf_hub_download(repository, name, revision=commit, local_dir=folder)
        shutil.rmtree(folder / ".cache", ignore_errors=True)

    @contextmanager
    def _said(self, repository: str, *, sends: bool = False) -> Iterator[None]:
        """What goes wrong between here and the hub, as a sentence."""
        import httpx2
        from huggingface_hub import errors

        try:
            with self._bars():
                yield
        except errors.OfflineModeIsEnabled:
            raise UserError("HF_HUB_OFFLINE is set, so nothing goes to or comes from the hub; unset it.") from None
        except (httpx2.TransportError, errors.LocalEntryNotFoundError) as error:
            cause: Any = error.__cause__ or error
            reason = str(cause).splitlines()[0].rstrip(".") if str(cause) else type(cause).__name__
            raise UserError(
                f"the hub can't be reached at {self.address} ({reason}); check the network, and HF_ENDPOINT if set."
            ) from None
        except errors.GatedRepoError:
            raise UserError(
                f"{repository} is gated: ask for access on its page at {self.address}/{repository}."
            ) from None
        except errors.RepositoryNotFoundError:
            raise UserError(
                f"the hub has no repository {repository} that this token may see; check --organization and --repo-name"
                f"{'' if sends else ', and for a private one HF_TOKEN'}."
            ) from None
        except errors.HfHubHTTPError as error:
            status = error.response.status_code
            if status in (401, 403):
                what = "may not write to" if sends else "may not read"
                raise UserError(f"the token of the hub {what} {repository} (status {status}); {_NO_TOKEN}.") from None
            said = (error.server_message or str(error)).splitlines()[0].rstrip(".")
            raise UserError(f"the hub answered with status {status} ({said}); try again later.") from None
        except ValueError as error:
            raise UserError(f"the hub refuses this: {' '.join(str(error).split()).rstrip('.')}.") from None

    @contextmanager
    def _bars(self) -> Iterator[None]:
        """In the block the client shows its bars only if they are wanted."""
        from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

        if self._verbose or are_progress_bars_disabled():
            yield
            return
        disable_progress_bars()
        try:
            yield
        finally:
            enable_progress_bars()


def check_extra() -> None:
    """Raise `UserError` where the extra ``[hub]`` is missing."""
    if find_spec("huggingface_hub") is None:
        raise UserError(f"the hub needs huggingface_hub, which is not installed; run: {install_command('hub')}")
