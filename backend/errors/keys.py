"""What cannot be done to a signing key."""

from backend.errors.families import Conflict, Invalid, NotFound


class KeyNotFound(NotFound):
    """No key whose tokens are believed has this name."""

    code = "KEY_NOT_FOUND"
    detail = "No signing key has this kid"


class KeyInUse(Conflict):
    """The key signs at present; without it nobody could sign in."""

    code = "KEY_IN_USE"
    detail = "This key is in use. Rotate first, and retire it once the next key signs."


class KeyFixed(Invalid):
    """The key comes from the settings, and can be changed only there."""

    code = "KEY_FIXED"
    detail = "Tokens are signed with VESTIBULE_SECRET_KEY: for another key, change the setting and restart."
