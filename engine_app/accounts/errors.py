"""What can go wrong with an account, with the sentences for people."""

from __future__ import annotations

from engine_app.errors import EngineError, register


class InvalidUsername(EngineError):
    """The name cannot be used."""

    code = register(
        "INVALID_USERNAME",
        "The username cannot be used.",
        "No account was made, no money moved.",
        "Choose 1 to 50 visible characters.",
    )
    status = 422


class InvalidPassword(EngineError):
    """The password cannot be used as a new one."""

    code = register(
        "INVALID_PASSWORD",
        "The password cannot be used.",
        "No account was made, no password changed, no money moved.",
        "Choose 8 or more characters, at most 72 bytes of UTF-8.",
    )
    status = 422


class CommonPassword(EngineError):
    """The password is among those that everybody tries first."""

    code = register(
        "COMMON_PASSWORD",
        "The password is among those that are tried first.",
        "No account was made, no password changed, no money moved.",
        "Choose a password that is on no list: several words that do not belong together do well.",
    )
    status = 422

    def __init__(self) -> None:
        super().__init__("this password is among those that are tried first; choose another one")


class NameTaken(EngineError):
    """An account of this name exists already."""

    code = register(
        "NAME_TAKEN",
        "An account of this name exists already.",
        "No account was made, no money moved.",
        "Log in, or choose another name.",
    )
    status = 409

    def __init__(self) -> None:
        super().__init__("an account of this name exists already")


class WrongCredentials(EngineError):
    """No account has this name and this password; which of the two is wrong is not told."""

    code = register(
        "WRONG_CREDENTIALS",
        "Username or password is wrong.",
        "Nothing was done, no money moved.",
        "Check both and try again.",
    )
    status = 401

    def __init__(self) -> None:
        super().__init__("username or password is wrong")


class Unauthorized(EngineError):
    """The request carries neither a valid session token nor a valid API key."""

    code = register(
        "UNAUTHORIZED",
        "The request carries no valid session.",
        "Nothing was done, no money moved.",
        "Log in and send the token, or an API key, as `Authorization: Bearer <token>`.",
    )
    status = 401

    def __init__(self, detail: str = "log in first: the session token or API key is missing or not valid") -> None:
        super().__init__(detail)


class WrongPassword(EngineError):
    """Who is logged in was asked for the password again and gave another one."""

    code = register(
        "WRONG_PASSWORD",
        "The password is not the account's.",
        "Nothing was done, no money moved.",
        "Type the password of this account again.",
    )
    status = 403

    def __init__(self) -> None:
        super().__init__("the password is not the account's")


class ScopeMissing(EngineError):
    """The API key is valid, but was not made for this."""

    code = register(
        "SCOPE_MISSING",
        "The API key was not made for this.",
        "Nothing was done, no money moved.",
        "Use a key that has the scope which the detail names, or a session.",
    )
    status = 403

    def __init__(self, scope: str) -> None:
        super().__init__(f"this key lacks the scope {scope!r}")


class SessionNeeded(EngineError):
    """An API key was used for what only somebody who is logged in may do."""

    code = register(
        "SESSION_NEEDED",
        "An API key cannot manage keys, sessions or passwords.",
        "Nothing was done, no money moved.",
        "Log in and use the session's token.",
    )
    status = 403

    def __init__(self) -> None:
        super().__init__("an API key cannot manage keys, sessions or passwords: log in and use the session's token")


class SessionNotFound(EngineError):
    """The account has no such open session."""

    code = register(
        "SESSION_NOT_FOUND",
        "There is no such open session of yours.",
        "Nothing was done, no money moved.",
        "List your sessions; it may have ended already.",
    )
    status = 404

    def __init__(self) -> None:
        super().__init__("there is no such open session of yours")


class KeyNotFound(EngineError):
    """The account has no such API key."""

    code = register(
        "API_KEY_NOT_FOUND",
        "There is no such API key of yours.",
        "Nothing was done, no money moved.",
        "List your keys; it may have been revoked or have expired.",
    )
    status = 404

    def __init__(self) -> None:
        super().__init__("there is no such API key of yours")


class InvalidKeyRequest(EngineError):
    """An API key like this cannot be made."""

    code = register(
        "INVALID_API_KEY_REQUEST",
        "An API key like this cannot be made.",
        "No key was made, no money moved.",
        "Correct what the detail names.",
    )
    status = 422


class TooManyKeys(EngineError):
    """The account has as many API keys as one may have."""

    code = register(
        "TOO_MANY_API_KEYS",
        "The account has as many API keys as one may have.",
        "No key was made, no money moved.",
        "Revoke a key that is no longer used.",
    )
    status = 409

    def __init__(self, most: int) -> None:
        super().__init__(f"an account has at most {most} API keys; revoke one that is no longer used")


class StockEmpty(EngineError):
    """No fresh trading address is ready for a new account."""

    code = register(
        "STOCK_EMPTY",
        "No trading address is ready for a new account right now.",
        "No account was made, no money moved.",
        "Try again in a few seconds; workers are making new addresses.",
    )
    status = 503

    def __init__(self) -> None:
        super().__init__("no trading address is ready for a new account right now", retry_after=5)
