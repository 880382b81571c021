"""Who we are for S3, Amazon's or another's."""

from typing import Any

import dagster as dg
from pydantic import SecretStr

from taxi_platform.resources.credentials import Credentials, Secret, secret, those_set


class S3Credentials(Credentials):
    """An access key, a profile, or whatever Amazon's own rules find (its files, the role of the machine).

    Attributes:
        endpoint_url: Where S3 answers if it is none of Amazon's.
    """

    secret_access_key: dg.ResourceDependency[SecretStr]
    session_token: dg.ResourceDependency[SecretStr]
    access_key_id: str = ""
    profile: str = ""
    region: str = ""
    endpoint_url: str = ""

    def __init__(self, secret_access_key: Secret = "", session_token: Secret = "", **fields: Any) -> None:
        secrets = {"secret_access_key": secret(secret_access_key), "session_token": secret(session_token)}
        super().__init__(**secrets, **fields)

    def variables(self) -> dict[str, str]:
        return those_set(
            AWS_ACCESS_KEY_ID=self.access_key_id,
            AWS_SECRET_ACCESS_KEY=self.secret_access_key,
            AWS_SESSION_TOKEN=self.session_token,
            AWS_PROFILE=self.profile,
            AWS_REGION=self.region,
            AWS_ENDPOINT_URL=self.endpoint_url,
        )
