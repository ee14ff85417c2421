"""`python -m devtools.bench.relay PORT`: an SMTP relay that takes every mail at once and keeps none."""

import asyncio
import sys

from devtools.run.ports import LOOPBACK


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As much of RFC 5321 as a sender needs to get rid of its mail."""
    writer.write(b"220 relay\r\n")
    try:
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                writer.write(b"250-relay\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                while await reader.readline() not in (b".\r\n", b""):
                    pass
                writer.write(b"250 taken\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
    except ConnectionError:
        pass
    writer.close()


async def main(port: int) -> None:
    """Listen until killed."""
    server = await asyncio.start_server(talk, LOOPBACK, port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
