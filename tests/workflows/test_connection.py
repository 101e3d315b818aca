"""The way to Temporal is set as Temporal's own tools set it."""

from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from models.errors import EngineUnreachable, Misconfigured
from runtime.settings import Settings
from runtime.temporal import connect


def a_profile(tmp_path: Path, text: str) -> dict[str, str]:
    """Write a configuration file with profile `office`; return the environment that names both."""
    file = tmp_path / "temporal.toml"
    file.write_text(text)
    return {"TEMPORAL_CONFIG_FILE": str(file), "TEMPORAL_PROFILE": "office"}


async def test_a_profile_of_the_configuration_file_is_followed(
    environment: WorkflowEnvironment, tmp_path: Path
) -> None:
    """Address and namespace come from the profile."""
    address = environment.client.service_client.config.target_host
    variables = a_profile(tmp_path, f'[profile.office]\naddress = "{address}"\nnamespace = "dinsos"\n')
    client = await connect(Settings(), environment=variables)
    assert client.namespace == "dinsos"


async def test_a_variable_beats_the_file(environment: WorkflowEnvironment, tmp_path: Path) -> None:
    """One setting may be overridden for one command."""
    address = environment.client.service_client.config.target_host
    variables = a_profile(tmp_path, '[profile.office]\naddress = "127.0.0.1:1"\n')
    client = await connect(Settings(), environment=variables | {"TEMPORAL_ADDRESS": address})
    assert client.service_client.config.target_host == address


async def test_nobody_at_the_address_is_told_as_such(tmp_path: Path) -> None:
    """The words say what to look at; exit code 5."""
    variables = a_profile(tmp_path, '[profile.office]\naddress = "127.0.0.1:1"\n')
    with pytest.raises(EngineUnreachable, match="TEMPORAL_ADDRESS"):
        await connect(Settings(), environment=variables)


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("[profile.other]\naddress = 'x'\n", {}),
        ("[profile.office\n", {}),
        ("[profile.office]\n", {"TEMPORAL_TLS_CLIENT_CERT_PATH": "/nowhere/client.pem"}),
        (
            "[profile.office.tls]\nclient_cert_path = '/nowhere/c.pem'\nclient_key_path = '/nowhere/c.key'\n",
            {},
        ),
    ],
    ids=["no such profile", "not TOML", "no such certificate", "no such certificate in the file"],
)
async def test_a_broken_configuration_is_not_taken_for_an_outage(
    tmp_path: Path, text: str, more: dict[str, str]
) -> None:
    """An administrator must mend it; waiting does not help. Exit code 2."""
    with pytest.raises(Misconfigured, match="TEMPORAL_"):
        await connect(Settings(), environment=a_profile(tmp_path, text) | more)
