"""A password on its way to whoever needs it, shown to nobody else."""

from __future__ import annotations

import dagster as dg
from pydantic import SecretStr

from taxi_platform.errors import SettingsError


class Secret:
    """What must not be seen in a log, an error or Dagster's history. It may be told later, by an `EnvVar`.

    Give it to a resource as a `ResourceDependency`: Dagster writes the fields of resources into its history with every
    run, also those that it masks in its UI.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str | SecretStr | dg.EnvVar | Secret | None) -> None:
        self._value: str | dg.EnvVar = ""
        if isinstance(value, Secret):
            self._value = value._value  # noqa: SLF001
        elif isinstance(value, SecretStr):
            self._value = value.get_secret_value()
        elif value is not None:
            self._value = value

    def reveal(self) -> str:
        """The secret itself; empty where there is none.

        Raises:
            SettingsError: The environment variable that is to hold it is not set.
        """
        if not isinstance(self._value, dg.EnvVar):
            return self._value
        told = self._value.get_value()
        if not told:
            raise SettingsError(
                f"The environment variable {self._value.env_var_name} is not set: a secret is read there."
            )
        return told

    def __repr__(self) -> str:
        return "Secret('***')"
