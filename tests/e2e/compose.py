"""One compose file, up and running: its containers by the names of their services."""

import json

from support.waiting import wait_for

from .engine import Failed

HEALTHY_LIMIT = 60
PROFILES = {"COMPOSE_PROFILES": "observability"}  # without it Compose v2 leaves their containers alone


class Compose:
    """Starts nothing by itself. `variables` are what the file's ${…} get."""

    def __init__(self, engine, file, project, variables):
        self.engine = engine
        self.project = project
        self._variables = variables
        self._call = [*engine.compose, "-f", file, "-p", project]

    def compose(self, *arguments, limit=180, check=True, profiles=None):
        return self.engine.run(*self._call, *arguments, limit=limit, check=check,
                               environment={**self._variables, **(profiles or {})})

    def up(self, *services):
        return self.compose("up", "-d", *services)

    def remove(self):
        """All containers, at once."""
        self.compose("kill", check=False, profiles=PROFILES)
        self.compose("rm", "-f", "-v", check=False, profiles=PROFILES)

    def down(self):
        self.compose("down", "-v", "--remove-orphans", "-t", "5", check=False, profiles=PROFILES)

    # --- single containers ---

    def container(self, service):
        """Its id, whether it runs or not."""
        found = self.engine.docker("ps", "-aq", "--no-trunc", "--filter", f"label=com.docker.compose.project={self.project}",
                                   "--filter", f"label=com.docker.compose.service={service}", merge=False).split()
        assert len(found) == 1, f"{service} has {len(found)} containers"
        return found[0]

    def inspect(self, service):
        return json.loads(self.engine.docker("inspect", self.container(service), merge=False))[0]

    def state(self, service):
        """(what it does, its exit code)."""
        state = self.inspect(service)["State"]
        return state["Status"], state["ExitCode"]

    def health(self, service):
        """starting, healthy, unhealthy; none if it has no health check or does not run."""
        state = self.inspect(service)["State"]
        return state.get("Health", {}).get("Status", "none") if state["Running"] else "none"

    def wait_health(self, service, wanted="healthy", limit=HEALTHY_LIMIT):
        wait_for(lambda: self.health(service) == wanted, limit,
                 lambda: f"{service} to be {wanted}: it is {self.health(service)}\n{self.everything_logged(service)[-3000:]}")

    def exec(self, service, *command, **options):
        return self.engine.docker("exec", self.container(service), *command, **options)

    def succeeds(self, service, *command):
        """Whether a command in the container ends with 0."""
        try:
            self.exec(service, *command)
        except Failed:
            return False
        return True

    def log(self, service):
        """What `docker logs NAME | …` hands on: standard output."""
        return self.engine.docker("logs", self.container(service), merge=False)

    def everything_logged(self, service):
        return self.engine.docker("logs", self.container(service))

    def kill(self, service, signal="KILL"):
        self.engine.docker("kill", "-s", signal, self.container(service))

    def stop(self, service):
        self.engine.docker("stop", self.container(service))

    def start(self, service):
        self.engine.docker("start", self.container(service))

    # --- networks ---

    def network(self, name):
        return f"{self.project}_{name}"

    def unplug(self, service, network):
        self.engine.docker("network", "disconnect", self.network(network), self.container(service))

    def plug(self, service, network, alias=None, container=None):
        """Put a container (of this system, if none is given) into a network under the name of `alias`."""
        self.engine.docker("network", "connect", "--alias", alias or service, self.network(network),
                           container or self.container(service))
