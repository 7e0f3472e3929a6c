"""Web servers with TLS for tests: one port, a certificate for each name that is asked for, and answers byte by byte."""

import socket
import ssl
import threading
import time


class HttpsServer:
    """`chains`: {name: (chain, key)}, by SNI; a name that is not there is shown the first of them. `answer(host, path)`
    yields what is sent, pieces of bytes; a number is seconds to wait. Requests are kept in `requests` as (host, path)."""

    def __init__(self, address, chains, answer, port=443):
        self.answer = answer
        self.requests = []
        self.lock = threading.Lock()
        contexts = {name: self.context(*files) for name, files in chains.items()}
        self.ssl = next(iter(contexts.values()))
        self.ssl.sni_callback = lambda connection, name, _: setattr(connection, "context", contexts.get(name, self.ssl))
        self.socket = socket.create_server((address, port))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.stopping = False

    @staticmethod
    def context(chain, key):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        return context

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.stopping = True
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()

    def run(self):
        while not self.stopping:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            connection.settimeout(60)
            with self.ssl.wrap_socket(connection, server_side=True) as secured:
                head = b""
                while b"\r\n\r\n" not in head:
                    got = secured.recv(4096)
                    if not got:
                        return
                    head += got
                lines = head.decode().split("\r\n")
                host = next(line[5:].strip() for line in lines if line.lower().startswith("host:"))
                path = lines[0].split(" ")[1]
                with self.lock:
                    self.requests.append((host, path))
                for piece in self.answer(host, path):
                    if self.stopping:
                        return
                    if isinstance(piece, bytes):
                        secured.sendall(piece)
                    else:
                        time.sleep(piece)
                secured.unwrap()
        except (OSError, StopIteration):
            pass  # the client has gone, or thinks nothing of the certificate
        finally:
            connection.close()

    def count(self, host):
        with self.lock:
            return sum(1 for asked, _ in self.requests if asked == host)
