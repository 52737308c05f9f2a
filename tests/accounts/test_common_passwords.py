"""Which passwords everybody tries first, and what is done about them."""

from __future__ import annotations

import pytest

from engine_app.accounts.common_passwords import WARNING, is_common, judge
from engine_app.accounts.errors import CommonPassword, InvalidPassword
from engine_app.settings import Settings


@pytest.mark.parametrize(
    "password", ["password", "Password123", "12345678", "QWERTYUIOP", "iloveyou", "trustno1", "p@ssw0rd", "alice.ada"]
)
def test_what_is_on_the_list_or_is_the_name_is_common(password: str) -> None:
    assert is_common(password, "Alice.Ada")


@pytest.mark.parametrize(
    "password", ["correct horse battery", "        ", "aaaaaaaaaaaaaaaaaaaaaaaa", "пароль пароль", "🔑🔑", "ADA's own!"]
)
def test_nothing_else_is_asked_of_a_password(password: str) -> None:
    assert not is_common(password, "Alice.Ada")
    assert judge(password, "Alice.Ada", strict=True) is None


def test_production_refuses_what_is_only_warned_about_elsewhere() -> None:
    assert judge("password123", "alice", strict=Settings(engine_env="development").strict) == WARNING
    production = Settings(engine_env="production").strict
    with pytest.raises(CommonPassword):
        judge("password123", "alice", strict=production)
    with pytest.raises(InvalidPassword):
        judge("short", "alice", strict=production)
