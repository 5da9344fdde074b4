"""A mail server for tests, by aiosmtpd. Each message that it takes becomes a file in the working folder.

How it treats a message is in the user of the address that it is for: `busy` and `gone` are refused for now
and for ever, `slow` gets no answer, `late` is taken long before it is told so, `stored` before the connection
breaks, `mute` by a server that says nothing from then on.
"""

import asyncio
import email
import email.policy
import itertools
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

PORT, TLS, USER, PASSWORD = sys.argv[1:]
NUMBERS = itertools.count()


def keep(server, session, envelope):
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    part = lambda kind: message.get_body((kind,)).get_content()
    lines = [
        envelope.mail_from,
        envelope.rcpt_tos[0],
        getattr(session, "user", ""),
        "encrypted" if session.ssl or TLS == "implicit" else "clear",
        message["message-id"],
        message["from"],
        message["subject"],
        message["auto-submitted"],
    ]
    name = f"{next(NUMBERS):04}"
    with open(f".{name}", "w", newline="") as file:
        file.write("\n".join([*lines, part("plain") + "\0" + part("html")]))
    os.rename(f".{name}", f"{name}.mail")


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        user = address.split("@")[0]
        if user == "busy":
            return f"451 4.7.1 {address} has to wait"
        if user == "gone":
            return f"550 5.1.1 nobody is called {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        user = envelope.rcpt_tos[0].split("@")[0]
        if user == "slow":
            await asyncio.sleep(600)
        keep(server, session, envelope)
        if user == "late":
            await asyncio.sleep(5)
        if user == "stored":
            server.transport.abort()
        session.is_mute = user == "mute"
        return "250 OK"

    async def handle_QUIT(self, server, session, envelope):
        if getattr(session, "is_mute", False):
            await asyncio.sleep(600)
        return "221 Bye"


def authenticate(server, session, envelope, mechanism, data):
    right = (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
    session.user = USER if right else ""
    return AuthResult(success=right, handled=False)


async def main():
    context = None
    if TLS != "never":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain("certificate.pem", "key.pem")
    starttls = TLS == "starttls"
    make = lambda: SMTP(
        Handler(),
        hostname="mail.test",
        tls_context=context if starttls else None,
        require_starttls=starttls,
        authenticator=authenticate,
        auth_required=bool(USER),
        auth_require_tls=starttls,
        enable_SMTPUTF8=False,
    )
    loop = asyncio.get_running_loop()
    implicit = context if TLS == "implicit" else None
    server = await loop.create_server(make, "127.0.0.1", int(PORT), ssl=implicit)
    await server.serve_forever()


asyncio.run(main())
