"""Debian's pgbouncer in transaction mode, on a locked port, run by an unprivileged user."""

import shutil
import subprocess

from .ports import take_port
from .postgres import APP, OWNER
from .process import Program
from .unprivileged import Account, private_folder
from .waiting import wait_for


class PgBouncer(Program):
    """Stands before one server; point_at() moves it to another."""

    def __init__(self, folder, server_port, pool_size=1):
        program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
        assert program, "pgbouncer is not installed"
        self._account = Account()
        self._port = take_port()
        self._pool_size = pool_size
        self._place = private_folder(self._account, folder / "pgbouncer")
        self._configuration = self._place / "pgbouncer.ini"
        super().__init__("pgbouncer", "setpriv", [], {}, folder)
        self._prefix = self._account.prefix(True)
        self.program, self.arguments = program, [self._configuration]
        (self._place / "users").write_text(f'"{APP}" ""\n"{OWNER}" ""\n"pgbouncer" ""\n')
        self._write(server_port)

    def _write(self, server_port):
        self._configuration.write_text(f"""
            [databases]
            * = host=127.0.0.1 port={server_port}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {self._port.number}
            unix_socket_dir =
            auth_type = trust
            auth_file = {self._place}/users
            admin_users = pgbouncer
            pool_mode = transaction
            default_pool_size = {self._pool_size}
            server_login_retry = 0.2
            query_wait_timeout = 5
            """.replace("            ", ""))
        self._account.give(self._configuration)
        self._account.give(self._place / "users")

    def url(self, database, role=APP):
        return f"postgresql://{role}@127.0.0.1:{self._port.number}/{database.name}"

    def start_listening(self):
        self.start()
        wait_for(self._answers, 15, lambda: "pgbouncer to answer:\n" + self.log())
        return self

    def _answers(self):
        assert self.running, f"pgbouncer ended:\n{self.log()}"
        return self._admin("SHOW VERSION").returncode == 0

    def _admin(self, command):
        return subprocess.run(["psql", "-X", "-q", "-c", command,
                               f"postgresql://pgbouncer@127.0.0.1:{self._port.number}/pgbouncer"],
                              capture_output=True, check=False)

    def point_at(self, server_port):
        """Another server from now on; the connections to the old one end with their transactions."""
        self._write(server_port)
        assert self._admin("RELOAD").returncode == 0
        assert self._admin("RECONNECT").returncode == 0

    def finish(self):
        if self.running:
            self.kill9()
        self._port.release()
