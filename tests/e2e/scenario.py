"""What happens to the system of docker/compose.yaml, step by step. Each step leaves it whole, with Argo at work."""

import io
import json
import subprocess
import tarfile

from support.waiting import wait_for

from .engine import Failed

# In the images of ours: the program, and what it needs; by the beginnings of their paths. What the engine itself puts
# into every container is left out.
WANTED = ("usr/bin/alpine-", "lib/", "lib64/ld-", "usr/lib/", "etc/passwd", "etc/group", "etc/nsswitch.conf",
          "etc/ssl/certs/ca-certificates.crt")
FROM_ENGINE = ("dev/", "proc/", "sys/", ".dockerenv", "etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/mtab",
               "run/secrets/")
PROGRAMS = ("receiver", "sender")


class Scenario:
    """`system` is a Compose, `sides` its Sides, `secrets` the folder that it has its secrets from."""

    def __init__(self, system, sides, secrets):
        self.system = system
        self.sides = sides
        self.secrets = secrets

    def steps(self):
        """Between `comes_up` and `both_sides_agree`."""
        return [self.signals_arrive, self.logs_can_be_searched, self.nothing_else_is_in_the_images,
                self.containers_may_do_nothing, self.the_receivers_role_may_do_nothing_else, self.receiver_is_drained,
                self.receiver_is_killed, self.sender_is_killed, self.database_is_killed, self.sender_is_off_the_network,
                self.database_is_off_the_network]

    def comes_up(self):
        """The one-shots end well, everything else becomes healthy."""
        self.system.up()
        for service in ("database", "receiver", "argo", "sender"):
            self.system.wait_health(service)
        for service in ("migrate", "roles"):
            assert self.system.state(service) == ("exited", 0), self.system.everything_logged(service)

    def signals_arrive(self):
        self.sides.make_more()
        self.sides.catch_up()

    def logs_can_be_searched(self):
        """`docker logs NAME | grep -i "signal synced"`"""
        for service in PROGRAMS:
            call = f"docker logs {self.system.container(service)} 2>/dev/null | grep -ic 'signal synced'"
            assert int(self.system.engine.run("bash", "-c", call)) > 0
        text = self.system.everything_logged("receiver") + self.system.everything_logged("sender")
        for secret in ("api-key", "receiver-password", "owner-password"):
            assert (self.secrets / secret).read_text().strip() not in text, f"{secret} was logged"

    def nothing_else_is_in_the_images(self):
        for service in PROGRAMS:
            command = ["docker", "export", self.system.container(service)]
            done = subprocess.run(command, env=self.system.engine.environment, capture_output=True, timeout=60, check=True)
            names = [one.name for one in tarfile.open(fileobj=io.BytesIO(done.stdout)) if not one.isdir()]
            strange = [name for name in names if not name.startswith(WANTED + FROM_ENGINE)]
            assert not strange, f"{service}: {strange}"
            assert f"usr/bin/alpine-{service}" in names

    def containers_may_do_nothing(self):
        for service in PROGRAMS:
            found = self.system.inspect(service)
            host = found["HostConfig"]
            assert found["Config"]["User"] == "10001:10001"
            assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and not host["Privileged"]
            assert "no-new-privileges:true" in host["SecurityOpt"]
        mounts = {mount["Destination"]: mount for mount in self.system.inspect("sender")["Mounts"]}
        assert not mounts["/argo"]["RW"] and mounts["/var/lib/alpine-sync"]["RW"]

    def the_receivers_role_may_do_nothing_else(self):
        for forbidden in ("UPDATE signals SET symbol = 'X'", "DELETE FROM signals", "TRUNCATE signals",
                          "CREATE TABLE mine (id int)", "INSERT INTO alpine_sync_migrations DEFAULT VALUES"):
            try:
                self.sides.sql(f"SET ROLE alpine_app; {forbidden}")
            except Failed as refusal:
                assert "permission denied" in str(refusal), refusal
            else:
                raise AssertionError(f"the receiver's role may {forbidden}")
        self.sides.sql("SET ROLE alpine_app; SELECT count(*) FROM signals")

    def receiver_is_drained(self):
        """SIGTERM: what was taken is finished, and the exit code is 0."""
        self.system.stop("receiver")
        assert self.system.state("receiver") == ("exited", 0)
        last = self.system.log("receiver").splitlines()[-1]
        assert last.endswith("info Stopped"), last
        self.sides.make_more()
        self.system.start("receiver")
        self.sides.catch_up()

    def receiver_is_killed(self):
        self._kill_and_start("receiver")

    def sender_is_killed(self):
        self._kill_and_start("sender")

    def database_is_killed(self):
        """The receiver says that it cannot write, and mends itself."""
        self.system.kill("database")
        wait_for(lambda: not self._receiver_is_well(), 30, "the receiver's health check to fail")
        self.sides.make_more()
        self.system.start("database")
        self.system.wait_health("database")
        self.sides.catch_up()
        assert self._receiver_is_well()

    def sender_is_off_the_network(self):
        self.system.unplug("sender", "link")
        self.sides.make_more()
        self._wait_for_pending()
        self.system.plug("sender", "link")
        self.sides.catch_up()

    def database_is_off_the_network(self):
        self.system.unplug("database", "database")
        self.sides.make_more()
        self._wait_for_pending()
        self.system.plug("database", "database")
        self.sides.catch_up()

    def both_sides_agree(self):
        self.sides.pause()
        count = self.sides.compare()
        status = self._status()
        assert status["dead"] == 0 and status["pending"] == 0, status
        self.system.engine.docker("restart", self.system.container("argo"))
        return f"{count} signals, each once, with the same hash, in one chain"

    # --- inside ---

    def _kill_and_start(self, service):
        before = self.sides.ids()
        self.system.kill(service)
        assert self.system.state(service) == ("exited", 137)
        self.sides.make_more()
        self.system.start(service)
        self.sides.catch_up()
        assert before < self.sides.ids()

    def _receiver_is_well(self):
        """What its health check, asked now, says."""
        return self.system.succeeds("receiver", "/usr/bin/alpine-receiver", "healthcheck")

    def _status(self):
        return json.loads(self.system.exec("sender", "/usr/bin/alpine-sender", "status", "--json", merge=False))

    def _wait_for_pending(self):
        wait_for(lambda: self._status()["pending"] > 0, 30, "signals to wait in Argo's table")
