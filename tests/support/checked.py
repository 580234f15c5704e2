"""What `check --json` said, as a test wants to look at it."""

import json


class Checked:
    """The items by name, and the exit code. What was said in words has to have the same items."""

    def __init__(self, done):
        self.code = done.code
        self.done = done
        document = json.loads(done.out)
        self.items = {item["item"]: item for item in document["items"]}
        assert set(document) == {"items", "pass", "warn", "fail"} and len(self.items) == len(document["items"]), done
        assert all(set(item) == {"item", "verdict", "detail"} for item in document["items"]), done
        for verdict in ("pass", "warn", "fail"):
            assert document[verdict] == len([item for item in document["items"] if item["verdict"] == verdict]), done

    def expect(self, item, verdict, *phrases):
        """This item has this verdict, and says all of that."""
        assert item in self.items, f"no item {item!r}: {self.done}"
        found = self.items[item]
        assert found["verdict"] == verdict, f"{found}\n{self.done}"
        assert all(phrase in found["detail"] for phrase in phrases), f"{phrases} not in {found}"
        return self

    def lacks(self, *items):
        """Nothing is said of these."""
        assert not set(items) & set(self.items), self.done
        return self

    def others_pass(self, *items):
        """Everything but these passes, and the exit code is the one for the worst of them."""
        worst = {self.items[item]["verdict"] for item in items}
        for name, item in self.items.items():
            assert name in items or item["verdict"] == "pass", f"{item}\n{self.done}"
        assert self.code == (1 if "fail" in worst else 3 if "warn" in worst else 0), self.done
        return self
