# SPDX-License-Identifier: MIT OR Apache-2.0
"""Compares the rights in the templates with the table of iam.md.

A right is who, action and resource. Wrong is: one that only the template or only the table has;
an action or a resource that is a wildcard; a named file that is not there or does not make the
named call; a right for anybody. Needs PyYAML, which cfn-lint's environment has. `--self-test`
changes a template in memory and says whether each change is found.
"""

import pathlib
import re
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
TEMPLATES = [HERE / "template.yaml", HERE / "coordinator.yaml"]
# A resource by the bucket or queue it belongs to, and what may follow: nothing, or all keys
# below a prefix.
SHAPE = re.compile(r"[A-Za-z]+(/([a-z]+/)?\*)?")
# What ARNs written out stand for.
WRITTEN = [
    (re.compile(r"arn:\$\{AWS::Partition\}:s3:::\$\{(\w+)\}(/.*)?"), r"\1\2"),
    (re.compile(r"\$\{(\w+)\.Arn\}(/.*)?"), r"\1\2"),
    (re.compile(r"arn:\$\{AWS::Partition\}:lambda:\$\{AWS::Region\}:\$\{AWS::AccountId\}:function:\$\{Name\}-worker"), "Worker"),
    (re.compile(r"arn:\$\{AWS::Partition\}:logs:\$\{AWS::Region\}:\$\{AWS::AccountId\}:log-group:/aws/lambda/\$\{Name\}-worker:log-stream:\*"), "WorkerLog"),
]


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, each as a pair of its name and what it is of."""


def short_form(loader, name, node):
    if isinstance(node, yaml.ScalarNode):
        return (name, loader.construct_scalar(node))
    if isinstance(node, yaml.SequenceNode):
        return (name, loader.construct_sequence(node, deep=True))
    return (name, loader.construct_mapping(node, deep=True))


Loader.add_multi_constructor("!", short_form)


def many(value):
    return value if isinstance(value, list) else [value]


def resources(value):
    """Names of what a Resource entry names, conditions taken as met."""
    if isinstance(value, list):
        return [name for entry in value for name in resources(entry)]
    if value == ("Ref", "AWS::NoValue"):
        return []
    if isinstance(value, tuple) and value[0] == "If":
        return resources(value[1][1]) + resources(value[1][2])
    if isinstance(value, tuple) and value[0] == "GetAtt" and value[1].endswith(".Arn"):
        return [value[1].removesuffix(".Arn")]
    text = value[1] if isinstance(value, tuple) and value[0] == "Sub" else value
    for pattern, name in WRITTEN:
        found = pattern.fullmatch(text) if isinstance(text, str) else None
        if found:
            return [found.expand(name) if "\\" in name else name]
    return [f"unknown: {text}"]


def documents(resource):
    """(kind, policy) of all policies of a resource."""
    properties = resource.get("Properties", {})
    if "PolicyDocument" in properties:
        yield "given", properties["PolicyDocument"]
    if "AssumeRolePolicyDocument" in properties:
        yield "assumed", properties["AssumeRolePolicyDocument"]
    for policy in properties.get("Policies", []):
        yield "given", policy["PolicyDocument"]


def rights(templates, wrong):
    """All (who, action, resource) that templates give."""
    given = set()
    for name, template in templates.items():
        for who, resource in template["Resources"].items():
            if resource["Type"] == "AWS::Serverless::Function" and "Policies" in resource["Properties"]:
                wrong(f"{name}: {who} has rights beside its role")
            for arn in resource.get("Properties", {}).get("ManagedPolicyArns", []):
                if arn not in ({"Fn::ImportValue": ("Sub", "${Name}-coordinator-policy")},):
                    wrong(f"{name}: {who} has a policy that is not written here: {arn}")
            for kind, document in documents(resource):
                for statement in document["Statement"]:
                    if isinstance(statement, tuple):
                        # !If [condition, statement, nothing]: taken as met.
                        statement = statement[1][1]
                    check(f"{name}: {who}", kind, statement, given, who, wrong)
    return given


def check(where, kind, statement, given, who, wrong):
    denies = statement["Effect"] == "Deny"
    for forbidden in ("NotAction", "NotResource", "NotPrincipal"):
        if forbidden in statement:
            wrong(f"{where}: {forbidden} gives all but something")
    if "*" in str(statement.get("Principal", "")) and not denies:
        wrong(f"{where}: a right for anybody")
    actions = many(statement.get("Action", []))
    for action in actions:
        if "*" in action or "?" in action:
            wrong(f"{where}: {action} is a wildcard")
    if kind == "assumed":
        if actions != ["sts:AssumeRole"] or list(statement["Principal"]) != ["Service"]:
            wrong(f"{where}: roles are assumed by services alone")
        return
    for resource in resources(statement.get("Resource", "*")):
        if not SHAPE.fullmatch(resource):
            wrong(f"{where}: {resource} is a wildcard, or no resource that is known here")
        if not denies:
            given.update((who, action, resource) for action in actions)


def table(wrong):
    """All (who, action, resource) of iam.md, whose files make the calls that it says."""
    said = set()
    for line in (HERE / "iam.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 6 or not line.startswith("|") or ":" not in cells[1]:
            continue
        who, action, resource, call, file, why = cells
        if (who, action, resource) in said:
            wrong(f"iam.md: {who}, {action}, {resource} stands there twice")
        said.add((who, action, resource))
        path = ROOT / file
        if not path.exists():
            wrong(f"iam.md: {file} is not there")
        elif call != "–" and f".{call}()" not in path.read_text():
            wrong(f"iam.md: {file} does not call {call}")
        if not why:
            wrong(f"iam.md: {who}, {action}, {resource} has no reason")
    return said


def compare(templates):
    """What is wrong, a line each."""
    found = []
    given, said = rights(templates, found.append), table(found.append)
    found += [f"templates: {' '.join(right)} is not in iam.md" for right in sorted(given - said)]
    found += [f"iam.md: {' '.join(right)} is in no template" for right in sorted(said - given)]
    return found, len(said)


def load():
    return {path.name: yaml.load(path.read_text(), Loader) for path in TEMPLATES}


def self_test():
    """Changes that have to be found."""
    def statement(templates):
        return templates["template.yaml"]["Resources"]["CoordinatorPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]

    changes = {
        "a further action": lambda s: s.update(Action=["s3:GetObject", "s3:GetObjectAcl"]),
        "a wildcard as action": lambda s: s.update(Action="s3:*"),
        "a wildcard as resource": lambda s: s.update(Resource="*"),
        "all buckets": lambda s: s.update(Resource=("Sub", "arn:${AWS::Partition}:s3:::*")),
        "all but one action": lambda s: s.update(NotAction=s.pop("Action")),
        "no action": lambda s: s.update(Action=[]),
        "no resource": lambda s: s.pop("Resource"),
        "another bucket": lambda s: s.update(Resource=[("Sub", "${Outputs.Arn}/*")]),
        "a right for anybody": lambda s: s.update(Principal="*"),
    }
    before = compare(load())[0]
    missed = []
    for name, change in changes.items():
        templates = load()
        change(statement(templates))
        if len(compare(templates)[0]) <= len(before):
            missed.append(name)
    return missed


def main():
    if sys.argv[1:] == ["--self-test"]:
        missed = self_test()
        print("\n".join(f"iam: not found: {name}" for name in missed) or "iam: all changes are found")
        sys.exit(bool(missed))
    wrong, count = compare(load())
    for line in wrong:
        print(f"iam: {line}", file=sys.stderr)
    if wrong:
        sys.exit(1)
    print(f"iam ok: {count} rights, each in iam.md and in the code")


main()
