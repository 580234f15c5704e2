"""The layers hold, and each header stands alone."""

import layers
import pytest
from sources import flags_of, include_flags, name, product_files, tool

PACKAGES = ("jansson", "libcrypto", "sqlite3", "libcurl", "libmicrohttpd", "libpq")


def none_of(problems):
    assert not problems, "\n".join(problems)


def test_every_file_has_a_layer():
    assert product_files(), "no C files were found"
    none_of(layers.misplaced())


def test_no_include_points_up_or_across():
    none_of(layers.forbidden_includes())


def test_third_party_headers_stay_in_their_files():
    none_of(layers.foreign_headers() + layers.stale_permissions())


def test_no_ring_of_includes():
    none_of([f"these include each other in a ring: {', '.join(ring)}" for ring in layers.rings()])


@pytest.mark.slow
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_headers_compile_alone(compiler):
    flags = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wno-pragma-once-outside-header", "-Wno-unused-function",
             "-Werror", "-fsyntax-only", "-x", "c", *flags_of(*PACKAGES)]
    problems = []
    for path in product_files():
        if path.suffix == ".h":
            content, said = tool(compiler, *flags, *include_flags(path), path)
            if not content:
                problems.append(f"{name(path)} does not compile alone with {compiler}:\n{said}")
    none_of(problems)
