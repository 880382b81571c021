"""Who we are for Azure's blob storage."""

from typing import Any

import dagster as dg
from pydantic import SecretStr

from taxi_platform.resources.credentials import Credentials, Secret, secret, those_set


class AzureCredentials(Credentials):
    """A connection string; or an account with its key, a SAS token, a service principal, or who is logged in.

    Attributes:
        endpoint: Where blobs are answered for if that is none of Azure's.
    """

    connection_string: dg.ResourceDependency[SecretStr]
    account_key: dg.ResourceDependency[SecretStr]
    sas_token: dg.ResourceDependency[SecretStr]
    client_secret: dg.ResourceDependency[SecretStr]
    account: str = ""
    tenant_id: str = ""
    client_id: str = ""
    endpoint: str = ""

    def __init__(
        self,
        connection_string: Secret = "",
        account_key: Secret = "",
        sas_token: Secret = "",
        client_secret: Secret = "",
        **fields: Any,
    ) -> None:
        secrets = {
            "connection_string": connection_string,
            "account_key": account_key,
            "sas_token": sas_token,
            "client_secret": client_secret,
        }
        super().__init__(**{name: secret(value) for name, value in secrets.items()}, **fields)

    def variables(self) -> dict[str, str]:
        return those_set(
            AZURE_STORAGE_CONNECTION_STRING=self.connection_string,
            AZURE_STORAGE_ACCOUNT_NAME=self.account,
            AZURE_STORAGE_ACCOUNT_KEY=self.account_key,
            AZURE_STORAGE_SAS_TOKEN=self.sas_token,
            AZURE_TENANT_ID=self.tenant_id,
            AZURE_CLIENT_ID=self.client_id,
            AZURE_CLIENT_SECRET=self.client_secret,
            AZURE_STORAGE_ENDPOINT=self.endpoint,
        )
