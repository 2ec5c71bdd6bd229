"""`GET /api/auth/config`: the settings in force."""

import httpx
import pytest


async def test_config_tells_the_defaults(client: httpx.AsyncClient) -> None:
    config = (await client.get("/api/auth/config")).json()
    assert config.pop("features")["inactivity_based_expiration"] is True
    assert config == {
        "inactivity_threshold_minutes": 20,
        "max_token_lifetime_hours": 1,
        "registration": "approval",
        "email_features_enabled": False,
    }


async def test_whole_numbers_are_written_as_such(client: httpx.AsyncClient) -> None:
    text = (await client.get("/api/auth/config")).text
    assert '"inactivity_threshold_minutes":20,' in text
    assert '"max_token_lifetime_hours":1,' in text


@pytest.mark.settings(inactivity_minutes=0.5, max_token_lifetime_hours=3, registration="open")
@pytest.mark.settings(smtp_url="smtp://mail.example.org", mail_from="entrance@example.org")
async def test_config_tells_the_settings_in_force(client: httpx.AsyncClient) -> None:
    config = (await client.get("/api/auth/config")).json()
    assert (config["inactivity_threshold_minutes"], config["max_token_lifetime_hours"]) == (0.5, 3)
    assert (config["registration"], config["email_features_enabled"]) == ("open", True)
