"""Real programs whose policies are learned: what each needs beside it, and what it is asked to do.

All of it happens in the current directory, and on the sandbox's own loopback.
"""

import dataclasses
import shutil

THREADS = """
import threading
for i in range(20):
    one = threading.Thread(target=sum, args=([1],)); one.start(); one.join()
print('done')
"""
FETCH = """
import http.server, subprocess, threading
server = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = 'http://127.0.0.1:%d/fetch.py' % server.server_port
print(subprocess.run(['curl', '-sS', url]).returncode)
"""
# The port is of the sandbox's own loopback: nobody else has it.
NGINX = """
daemon off; pid nginx.pid; error_log stderr; worker_processes 2; events {}
http {
  access_log off; client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t;
  uwsgi_temp_path t; scgi_temp_path t;
  server { listen 127.0.0.1:8080; root .; }
}
"""
SERVE = """
import os, signal, subprocess, time
open('page', 'w').write('a page\\n')
server = subprocess.Popen(['/usr/sbin/nginx', '-p', os.getcwd(), '-c', 'nginx.conf'])
get = ['curl', '-sS', 'http://127.0.0.1:8080/page']
while subprocess.run(get, capture_output=True).returncode: time.sleep(0.02)
pages = [subprocess.run(get, capture_output=True, text=True).stdout for _ in range(20)]
server.send_signal(signal.SIGQUIT)
print(set(pages) == {'a page\\n'}, server.wait())
"""
_COMMIT = ["git", "-C", "source", "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q",
           "--allow-empty", "-m", "first"]


@dataclasses.dataclass(frozen=True)
class Program:
    name: str
    words: tuple            # {run} becomes the number of the run
    needs: tuple = ()       # programs, without which it is passed over
    files: tuple = ()       # names and texts, in the directory that it runs in
    before: tuple = ()      # commands, outside
    learned: int = 1        # runs until a policy holds what it does now and then
    ends: str = ""          # how its output ends

    def is_here(self):
        return all(shutil.which(one, path="/usr/sbin:/usr/bin:/bin") for one in self.needs)

    def run(self, number):
        return [word.replace("{run}", str(number)) for word in self.words]


PROGRAMS = (
    # As root the program has an id of its own, to which the repository is somebody else's.
    Program("git", ("git", "-c", "safe.directory=*", "clone", "-q", "./source", "copy{run}"),
            needs=("git",), before=(["git", "init", "-q", "source"], _COMMIT)),
    Program("gcc", ("gcc", "x.c", "-o", "x"), needs=("gcc",),
            files=(("x.c", "int main(void) { return 0; }\n"),)),
    Program("python3", ("python3", "-c", THREADS), ends="done\n"),
    Program("node", ("node", "-e", "require('fs').writeFileSync('o', 'x'); console.log('done')"),
            needs=("node",), learned=3, ends="done\n"),
    Program("curl", ("python3", "fetch.py"), needs=("curl",), files=(("fetch.py", FETCH),),
            learned=2, ends="0\n"),
    Program("sqlite3", ("sqlite3", "x.db", "create table if not exists t(a); insert into t "
                        "values(1); select count(*) > 0 from t;"),
            needs=("sqlite3",), learned=2, ends="1\n"),
    Program("nginx", ("python3", "serve.py"), needs=("nginx", "curl"), learned=2,
            files=(("nginx.conf", NGINX), ("serve.py", SERVE)), ends="True 0\n"),
)
