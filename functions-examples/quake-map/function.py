"""Draws a map of where the earth shook. Python's standard library only."""

import json
import os
import signal
import sys
import threading
import time
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

# How long rendering a better map would take.
WORK_SECONDS = float(os.environ.get('WORK_MS', '20')) / 1000
WIDTH, HEIGHT = 72, 18

shaken = set()


def say(line):
    # One write per line, because threads would mix their lines otherwise.
    sys.stdout.write(f'{line}\n')
    sys.stdout.flush()


class Function(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'  # keeps connections open

    def do_POST(self):
        received_at = datetime.now(timezone.utc).isoformat(timespec='milliseconds').replace('+00:00', 'Z')
        body = self.rfile.read(int(self.headers.get('content-length', 0)))
        say(f'received {unquote(self.headers.get("ce-id", "?"))} at {received_at}')
        try:
            longitude, latitude = json.loads(body)['geometry']['coordinates'][:2]
        except (ValueError, KeyError, TypeError):
            self.answer(400, 'not an earthquake\n')
            return
        time.sleep(WORK_SECONDS)
        column = int((longitude + 180) / 360 * (WIDTH - 1))
        row = int((90 - latitude) / 180 * (HEIGHT - 1))
        shaken.add((row, column))
        self.answer(204)

    def do_GET(self):
        self.answer(200, draw())

    def answer(self, status, text=''):
        self.send_response(status)
        if status != 204:
            self.send_header('content-length', str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def draw():
    rows = (''.join('*' if (row, column) in shaken else '.' for column in range(WIDTH)) for row in range(HEIGHT))
    return '\n'.join(rows) + '\n'


server = ThreadingHTTPServer(('', int(os.environ.get('PORT', '8080'))), Function)


def stop(*_):
    # In a thread, because shutdown() waits for the loop that this signal has interrupted.
    threading.Thread(target=server.shutdown).start()


signal.signal(signal.SIGTERM, stop)
server.serve_forever()
say(f'drew {len(shaken)} places')
sys.exit(0)
