"""A little internet of a test's own: one network namespace with addresses, names and servers.

    with World(uid) as world: ...        in a process of its own, see `inside`

Everything is on lo: a gateway outside a sandbox reaches it as it would the real one. As an
unprivileged user the namespace belongs to a user namespace, and nothing needs privilege.
"""

import base64
import ctypes
import encodings.idna  # noqa: F401: sockets want it later, when a test may be a user who cannot read it
import http.server
import os
import pathlib
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import tempfile
import threading

NEWNS, NEWUSER, NEWNET = 0x20000, 0x10000000, 0x40000000
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 0x40000, 0x1000
libc = ctypes.CDLL(None, use_errno=True)

NAME_SERVER = "203.0.113.53"
WEB = "203.0.113.10"
WEB6 = "2001:db8:1::10"
OTHER = "203.0.113.20"
PRIVATE = "10.7.7.7"
METADATA = "169.254.169.254"
METADATA6 = "fd00:ec2::254"
ADDRESSES = [NAME_SERVER, WEB, OTHER, PRIVATE, METADATA]
ADDRESSES6 = [WEB6, METADATA6]
NAMES = {
    "example.test": [WEB],
    "www.example.test": [WEB],
    "six.test": [WEB6],
    "other.test": [OTHER],
    "rebind.test": [PRIVATE],
    "metadata.test": [METADATA],
    "local.test": ["127.0.0.1"],
    "both.test": [PRIVATE, WEB],
    "dead.test": ["203.0.113.99"],
    "metadata6.test": [METADATA6],
    "mapped.test": [f"::ffff:{METADATA}"],
    "xn--bcher-kva.test": [WEB],
    "turn.test": [WEB],
}
# What a proxy on the way out wants to hear, of letters that Basic has no room for and of others.
LOGIN = "joe:wörd: of/his own".encode()
# Where a name leads from the second time on that it is asked for.
LATER = {"turn.test": [PRIVATE]}


def check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def enter(uid):
    """Moves this process into namespaces of its own; with a uid, without any privilege."""
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        # A change of ids takes the right to one's own /proc files away.
        libc.prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE
    mine, group = os.getuid(), os.getgid()
    flags = NEWNS | NEWNET | (NEWUSER if uid is not None else 0)
    check(libc.unshare(flags), "unshare")
    if uid is not None:
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"0 {mine} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    check(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "make mounts private")


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def read_name(message, at):
    labels = []
    while message[at] != 0:
        size = message[at]
        labels.append(message[at + 1:at + 1 + size].decode("latin-1"))
        at += 1 + size
    return ".".join(labels).lower(), at + 1


class NameServer(socketserver.BaseRequestHandler):
    def handle(self):
        message, sock = self.request
        name, end = read_name(message, 12)
        kind = struct.unpack("!H", message[end:end + 2])[0]
        self.server.asked.append(name)
        addresses = NAMES.get(name)
        if name in LATER and kind == 1:
            self.server.turned.add((name, message[:2]))  # one that is asked again is the same
            if len(self.server.turned) > 1:
                addresses = LATER[name]
        answers = b""
        count = 0
        for text in addresses or []:
            family = socket.AF_INET6 if ":" in text else socket.AF_INET
            if kind != (28 if family == socket.AF_INET6 else 1):
                continue
            data = socket.inet_pton(family, text)
            answers += struct.pack("!HHHLH", 0xc00c, kind, 1, 1, len(data)) + data
            count += 1
        flags = 0x8580 if addresses else 0x8583
        sock.sendto(struct.pack("!HHHHHH", struct.unpack("!H", message[:2])[0], flags, 1, count, 0, 0)
                    + message[12:end + 4] + answers, self.client_address)


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.hosts.append(self.headers.get("Host"))
        if self.path.startswith("/files/"):
            return self.send_file(self.server.files / self.path[7:].split("?")[0])
        body = b"x" * int(self.path[6:]) if self.path.startswith("/size/") else \
            f"{self.server.label} {self.path}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_file(self, path):
        found = path.is_file()
        body = path.read_bytes() if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.hosts.append(self.headers.get("Host"))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 4096
    accepted = 0  # by all of them

    def process_request(self, request, client_address):
        TcpServer.accepted += 1
        super().process_request(request, client_address)

    def handle_error(self, request, client_address):
        pass


class TcpServer6(TcpServer):
    address_family = socket.AF_INET6


class Echo(socketserver.BaseRequestHandler):
    """Echoes until the client has said all, and then says goodbye."""

    def handle(self):
        while True:
            data = self.request.recv(65536)
            if not data:
                break
            self.request.sendall(data)
        self.request.sendall(b"goodbye")


class SpeaksFirst(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"220 welcome\r\n")
        self.request.sendall(b"you said " + self.request.recv(100))


class UdpServer6(socketserver.ThreadingUDPServer):
    address_family = socket.AF_INET6


class UdpEcho(socketserver.BaseRequestHandler):
    def handle(self):
        message, sock = self.request
        sock.sendto(b"echo " + message, self.client_address)


class Waits(socketserver.BaseRequestHandler):
    """Reads nothing until it is told to; then all, and counts it."""

    def handle(self):
        self.server.go.wait()
        while data := self.request.recv(1 << 20):
            self.server.received += len(data)
        self.request.sendall(b"%d" % self.server.received)


class Floods(socketserver.BaseRequestHandler):
    """Sends more than anybody wants, and counts what the other side took."""

    def handle(self):
        data = b"y" * 65536
        # A connection's own: one that ends late adds nothing to the next one's.
        sent = self.server.sent = [0]
        while sent[0] < self.server.most:
            sent[0] += self.request.send(data)


class EndsFirst(socketserver.BaseRequestHandler):
    """Has said all before the client says anything, and hears the client out."""

    def handle(self):
        self.request.sendall(b"all")
        self.request.shutdown(socket.SHUT_WR)
        while data := self.request.recv(65536):
            self.server.received += len(data)
        self.server.ended.set()


class ConnectProxy(socketserver.BaseRequestHandler):
    """A proxy between a host and its world: tunnels to names of NAMES and WEB, and no others."""

    def handle(self):
        head = b""
        while b"\r\n\r\n" not in head:
            more = self.request.recv(1)
            if not more:
                return
            head += more
            self.server.heard.append(more)
        target = head.split()[1].decode(errors="replace")
        self.server.asked.append(target)
        wanted = self.server.login and b"Proxy-Authorization: Basic " + base64.b64encode(self.server.login)
        if wanted and wanted not in head.split(b"\r\n"):
            self.request.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                                 b"Proxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n")
            return
        host, port = target.rsplit(":", 1)
        if host not in [*NAMES, WEB] or host == "dead.test":
            self.request.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection((NAMES.get(host, [host])[0], int(port))) as outside:
            self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=pass_on, args=(outside, self.request), daemon=True)
            back.start()
            pass_on(self.request, outside)
            back.join()


def pass_on(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class World:
    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="bailey-world-", dir="/var/tmp"))
        os.chmod(self.directory, 0o755)
        self.files = self.directory / "files"
        self.files.mkdir()
        run("ip", "link", "set", "lo", "up")
        for address in ADDRESSES:
            run("ip", "address", "add", f"{address}/32", "dev", "lo")
        for address in ADDRESSES6:
            run("ip", "-6", "address", "add", f"{address}/128", "dev", "lo", "nodad")
        for name, text in [("resolv.conf", f"nameserver {NAME_SERVER}\n"),
                           ("hosts", "127.0.0.1 localhost\n"), ("nsswitch.conf", "hosts: files dns\n")]:
            (self.directory / name).write_text(text)
            check(libc.mount(str(self.directory / name).encode(), f"/etc/{name}".encode(), None,
                             MS_BIND, None), f"mount /etc/{name}")
        self.servers = []
        self.names = self.serve(socketserver.ThreadingUDPServer, (NAME_SERVER, 53), NameServer)
        self.names.asked, self.names.turned = [], set()
        self.certificates()
        self.web = {}
        for label, address in [("example", WEB), ("other", OTHER), ("private", PRIVATE),
                               ("metadata", METADATA)]:
            self.web[label] = self.serve_web(label, (address, 80))
            self.web[label + "-tls"] = self.serve_web(label, (address, 443), tls=True)
        self.web["six"] = self.serve_web("six", (WEB6, 80), TcpServer6)
        self.web["metadata6"] = self.serve_web("metadata6", (METADATA6, 80), TcpServer6)
        self.serve(TcpServer, (WEB, 7), Echo)
        self.serve(TcpServer, (OTHER, 7), Echo)
        self.serve(TcpServer, (WEB, 25), SpeaksFirst)
        self.waits = self.serve(TcpServer, (WEB, 9), Waits)
        self.waits.go, self.waits.received = threading.Event(), 0
        self.floods = self.serve(TcpServer, (WEB, 19), Floods)
        self.floods.sent, self.floods.most = [0], 1 << 30
        self.ends_first = self.serve(TcpServer, (WEB, 13), EndsFirst)
        self.ends_first.received, self.ends_first.ended = 0, threading.Event()
        self.proxy = self.serve(TcpServer, (OTHER, 3129), ConnectProxy)
        # One that is no proxy of the host's, but a server that may be reached.
        self.open_proxy = self.serve(TcpServer, (WEB, 8080), ConnectProxy)
        self.login_proxy = self.serve(TcpServer, (OTHER, 3130), ConnectProxy)
        for proxy in [self.proxy, self.open_proxy, self.login_proxy]:
            proxy.asked, proxy.heard, proxy.login = [], [], None
        self.login_proxy.login = LOGIN
        self.serve(socketserver.ThreadingUDPServer, (WEB, 7), UdpEcho)
        self.serve(UdpServer6, (WEB6, 7), UdpEcho)
        self.local = self.serve_web("host", ("127.0.0.1", 0))
        self.local_port = self.local.server_address[1]
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.shutdown()
            server.server_close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def serve(self, kind, address, handler):
        server = kind(address, handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.servers.append(server)
        return server

    def serve_web(self, label, address, kind=TcpServer, tls=False):
        server = kind(address, Web)
        server.label, server.hosts, server.files = label, [], self.files
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.directory / "server.pem", self.directory / "server.key")
            server.socket = context.wrap_socket(server.socket, server_side=True,
                                                do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.servers.append(server)
        return server

    def certificates(self):
        """An authority, and one certificate for all names."""
        at = self.directory
        names = ",".join(f"DNS:{name}" for name in NAMES)

        def openssl(*words):
            subprocess.run(["openssl", *words], check=True, cwd=at, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        elliptic = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        openssl("req", "-x509", *elliptic, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
                "-subj", "/CN=world")
        (at / "extensions").write_text(f"subjectAltName={names}\n")
        openssl("req", *elliptic, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=x")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-out", "server.pem", "-days", "2", "-extfile", "extensions")
