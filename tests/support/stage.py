"""What one test sets up: it knows the build and the cluster, and ends everything that was started on it."""

from pathlib import Path

from .argo import Argo
from .fake_receiver import FakeReceiver
from .older_receiver import OlderReceiver
from .postgres import OWNER
from .process import run_program
from .proxy import Proxy
from .receiver import Receiver
from .sender import Sender


class Stage:
    """Makes things and finishes them in the opposite order, each whatever the others do."""

    def __init__(self, build, folder, postgres, templates):
        """`templates` is where migrated databases are kept, to be copied; shared by the stages of a session."""
        self.build = Path(build)
        self.folder = Path(folder)
        self.postgres = postgres
        self._templates = templates
        self._made = []
        self._databases = []

    def keep(self, thing):
        """Finish this at the end too; the thing."""
        self._made.append(thing)
        return thing

    def finish(self):
        complaints = []
        for thing in reversed(self._made):
            try:
                thing.finish()
            except AssertionError as complaint:
                complaints.append(complaint)
        if self.postgres.running:
            for database in self._databases:
                self.postgres.drop_database(database)
        assert not complaints, "\n\n".join(map(str, complaints))

    # --- databases ---

    def database(self, schema=None):
        """A migrated database that a receiver may use: from an empty one, or from the one that `schema` makes."""
        key = (str(self.build), str(schema))
        if key not in self._templates:
            made = self.postgres.create_database(schema)
            done = self.receiver_command("migrate", DATABASE_URL=made.url(OWNER))
            assert done.code == 0, done
            made.allow_receiver()
            self._templates[key] = made
        return self._own(self.postgres.create_database(template=self._templates[key]))

    def bare_database(self, schema=None):
        """A database that was never migrated."""
        return self._own(self.postgres.create_database(schema))

    def drop(self, database):
        """Before the end, because it is large."""
        self._databases.remove(database)
        self.postgres.drop_database(database)

    def _own(self, database):
        self._databases.append(database)
        return database

    # --- programs ---

    def receiver_command(self, *arguments, text=None, limit=60, **settings):
        """Run `alpine-receiver ARGUMENTS` to its end."""
        return run_program(self.build / "receiver" / "alpine-receiver", arguments, settings, text, limit)

    def receiver(self, database=None, name="receiver", start=True, **settings):
        """A receiver on this database (a fresh one if none is given); `database` may be a connection string too."""
        database = database or self.database()
        url = database if isinstance(database, str) else database.url()
        receiver = self.keep(Receiver(self.build, self.folder, url, name, **settings))
        receiver.database = database
        return receiver.start_ready() if start else receiver

    def sender(self, far_end, argo=None, name="sender", **settings):
        """A sender with settings for that far end (anything with a url); nothing runs yet."""
        database = argo.database if isinstance(argo, Argo) else argo
        return self.keep(Sender(self.build, self.folder, far_end.url, database, name, **settings))

    # --- the rest of the world ---

    def argo(self, **options):
        """Argo's files, in a folder of their own."""
        argo = Argo(self.folder / "argo", **options)
        argo.connection.execute("SELECT 1")
        return self.keep(argo)

    def proxy(self, receiver, **options):
        return self.keep(Proxy(receiver.port, **options)).start()

    def fake_receiver(self, **options):
        return self.keep(FakeReceiver(**options)).start()

    def older_receiver(self, **options):
        return self.keep(OlderReceiver(**options)).start()
