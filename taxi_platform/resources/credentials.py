"""What the credentials of all clouds have in common: secrets that Dagster cannot write down."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, TypeAlias

import dagster as dg
from pydantic import SecretStr

Secret: TypeAlias = str | SecretStr | dg.EnvVar


class Credentials(dg.ConfigurableResource[Any]):
    """Who asks. Its secrets are no fields but dependencies: Dagster shows neither a value nor a name of them in its UI.

    A field would be masked there, and yet be written into Dagster's history with every run.
    """

    @abstractmethod
    def variables(self) -> dict[str, str]:
        """The same as the usual variables of the cloud, without those that say nothing. Secrets are in it."""


class Variables:
    """The usual variables of a cloud, or whoever knows them: a value that no `repr` shows, and Dagster hands on as is.

    It would resolve credentials as a nested resource, by a call that it warns of itself (Dagster 1.13).
    """

    def __init__(self, known: "Credentials | Mapping[str, str] | Variables | None" = None) -> None:
        """
        Args:
            known: None stands for what the cloud's client finds in the process that needs it.
        """
        self._known = known

    def read(self) -> dict[str, str]:
        """The variables that say something, secrets and all."""
        if isinstance(self._known, Variables):
            return self._known.read()
        return self._known.variables() if isinstance(self._known, Credentials) else dict(self._known or {})


class _Named(SecretStr):
    """A secret that is read from the environment when it is needed, as Dagster reads an `EnvVar`."""

    def get_secret_value(self) -> str:
        return dg.EnvVar(super().get_secret_value()).get_value() or ""


def secret(value: Secret) -> SecretStr:
    """A secret, or where it will be found, as what no `repr` shows."""
    if isinstance(value, SecretStr):
        return value
    return _Named(value.env_var_name) if isinstance(value, dg.EnvVar) else SecretStr(value)


def those_set(**variables: Secret) -> dict[str, str]:
    """The variables that say something, with their secrets in the open."""
    plain = {name: secret(value).get_secret_value() for name, value in variables.items()}
    return {name: value for name, value in plain.items() if value}
