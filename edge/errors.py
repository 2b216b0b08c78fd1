"""Errors a user can cause or meet: one line each, with an exit code, never a traceback."""


class UserError(Exception):
    """A mistake in what the user gave (configuration, arguments, files). Exit code 2."""

    exit_code = 2


class DeviceError(Exception):
    """A part that should work does not (a sensor, a runtime, a broker). Exit code 1 where it ends a command."""

    exit_code = 1
