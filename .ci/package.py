"""The checks of `.ci/package` and `.ci/msrv` that read the output of `cargo metadata --format-version 1` on standard input.

    package.py rust-version         prints the Rust version that all published packages name
    package.py names                prints the published packages, dependencies first
    package.py fields               each published package says what a registry shows
    package.py dependencies         no dependency names a newer Rust, in any published package with its default features
    package.py licences DENY_TOML   each dependency has a licence that DENY_TOML allows
    package.py features PACKAGE     prints the sets of features of `cargo hack --each-feature`, without those of a TLS library
    package.py links FILE...        each relative link in a Markdown file leads to a file (no standard input)
    package.py strip MANIFEST...    takes all that is for developers alone out of manifests that cargo wrote (no standard input)

Each check prints one line, or fails with a line for each fault.
"""

import json
import os
import re
import sys
import tomllib


def finish(faults, summary):
    if faults:
        sys.exit("\n".join(faults))
    print(summary)


def published(metadata):
    members = set(metadata["workspace_members"])
    return [p for p in metadata["packages"] if p["id"] in members and p["publish"] != []]


def rust_version(metadata):
    versions = {}
    for package in published(metadata):
        versions.setdefault(package["rust_version"], []).append(package["name"])
    if len(versions) != 1 or None in versions:
        sys.exit(f"not one rust-version: {versions}")
    return next(iter(versions))


def fields(metadata):
    faults = []
    packages = published(metadata)
    names = {package["name"] for package in packages}
    for package in packages:
        name = package["name"]
        for field in ["description", "license", "repository", "readme", "keywords", "categories", "rust_version"]:
            if not package[field]:
                faults.append(f"{name}: no {field}")
        if len(package["keywords"]) > 5 or len(package["categories"]) > 5:
            faults.append(f"{name}: more than five keywords or categories")
        for dependency in package["dependencies"]:
            inside = dependency["name"] in names
            if inside and dependency["kind"] != "dev" and dependency["req"] == "*":
                faults.append(f"{name}: the dependency {dependency['name']} has no version")
    finish(faults, f"{len(packages)} packages have all fields")


def names(metadata):
    packages = {package["name"]: package for package in published(metadata)}
    ordered = []

    def add(name):
        if name not in ordered:
            for dependency in packages[name]["dependencies"]:
                # One without a version stays at home: cargo drops it from the package.
                if dependency["name"] in packages and dependency["name"] != name and dependency["req"] != "*":
                    add(dependency["name"])
            ordered.append(name)

    for name in sorted(packages):
        add(name)
    return ordered


def reached(metadata):
    """Yields each dependency that a published package brings into a user's build, on any target."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    todo = [package["id"] for package in published(metadata)]
    seen = set()
    while todo:
        package = todo.pop()
        if package in seen:
            continue
        seen.add(package)
        for dependency in nodes[package]["deps"]:
            if any(kind["kind"] != "dev" for kind in dependency["dep_kinds"]):
                todo.append(dependency["pkg"])
    members = set(metadata["workspace_members"])
    return [packages[package] for package in sorted(seen - members)]


def parts(version):
    return [int(part) for part in (version + ".0.0").split(".")[:3]]


def dependencies(metadata):
    own = rust_version(metadata)
    found = reached(metadata)
    newer = [p for p in found if p["rust_version"] and parts(p["rust_version"]) > parts(own)]
    finish(
        [f"{p['name']} {p['version']} needs Rust {p['rust_version']}, more than {own}" for p in newer],
        f"{len(found)} dependencies, none of which names a newer Rust than {own}",
    )


def allowed(expression, licences):
    """Evaluates an SPDX expression: AND binds closer than OR, and a slash is an old form of OR."""
    tokens = re.findall(r"[()]|[^\s()/]+|/", expression.replace(" WITH ", "-WITH-"))
    position = 0

    def either():
        nonlocal position
        value = both()
        while position < len(tokens) and tokens[position] in ("OR", "/"):
            position += 1
            value = both() or value
        return value

    def both():
        nonlocal position
        value = one()
        while position < len(tokens) and tokens[position] == "AND":
            position += 1
            value = one() and value
        return value

    def one():
        nonlocal position
        token = tokens[position]
        position += 1
        if token == "(":
            value = either()
            position += 1
            return value
        return token.replace("-WITH-", " WITH ") in licences

    return either()


def licences(metadata, path):
    with open(path, "rb") as file:
        allow = set(tomllib.load(file)["licenses"]["allow"])
    found = reached(metadata)
    finish(
        [
            f"{p['name']} {p['version']} has the licence {p['license']}, which {path} does not allow"
            for p in found
            if not p["license"] or not allowed(p["license"], allow)
        ],
        f"{len(found)} dependencies with licences that are allowed: {', '.join(sorted(allow))}",
    )


# Their C libraries take minutes to build, or need one of the system's.
TLS = {"rustls", "native-tls"}


def features(metadata, name):
    package = next(p for p in published(metadata) if p["name"] == name)
    every = sorted(package["features"])

    def with_tls(feature):
        return feature in TLS or any(with_tls(other) for other in package["features"].get(feature, []))

    usable = [feature for feature in every if not with_tls(feature)]
    # No feature, each one, and all together.
    return ["", *usable, ",".join(usable)]


def links(paths):
    faults, count = [], 0
    for path in paths:
        with open(path) as file:
            text = re.sub(r"(?ms)^```.*?^```", "", file.read())
        for target in re.findall(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)", text, re.M):
            target = target[0] or target[1]
            # Also not the links of rustdoc to an item: `crate::Parser`.
            if re.match(r"[a-z]+://|#|mailto:|[\w:]+(\(\))?$", target) and "." not in target.split("//")[0]:
                continue
            count += 1
            if not os.path.exists(os.path.join(os.path.dirname(path), target.split("#")[0])):
                faults.append(f"{path}: nothing at {target}")
    finish(faults, f"{len(paths)} Markdown files, {count} relative links, each to a file")


def strip(paths):
    for path in paths:
        with open(path) as file:
            tables = re.split(r"(?m)^(?=\[)", file.read())
        developers = re.compile(r"\[(\[(test|bench|example)\]\]|.*dev-dependencies|profile)")
        with open(path, "w") as file:
            file.write("".join(table for table in tables if not developers.match(table)))


def main():
    command, *arguments = sys.argv[1:]
    if command in ("links", "strip"):
        {"links": links, "strip": strip}[command](arguments)
        return
    metadata = json.load(sys.stdin)
    match command:
        case "rust-version":
            print(rust_version(metadata))
        case "names":
            print("\n".join(names(metadata)))
        case "fields":
            fields(metadata)
        case "dependencies":
            dependencies(metadata)
        case "licences":
            licences(metadata, *arguments)
        case "features":
            print("\n".join(features(metadata, *arguments)))
        case _:
            sys.exit(__doc__)


main()
