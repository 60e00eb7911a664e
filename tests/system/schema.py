"""As much of JSON Schema as docs/schemas uses: enough to hold our own output to it."""

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def has_type(value, name):
    if name in ("integer", "number"):
        kinds = int if name == "integer" else (int, float)
        return isinstance(value, kinds) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


KNOWN = {"$schema", "title", "description", "type", "additionalProperties", "required",
         "properties", "items", "minItems", "enum", "const", "minimum", "maximum"}


def faults(value, schema, place="$"):
    """Every way in which a value differs from its schema."""
    unknown = set(schema) - KNOWN
    if unknown:
        yield f"{place}: schema.py does not know {', '.join(sorted(unknown))}"
    if "type" in schema and not has_type(value, schema["type"]):
        yield f"{place}: {value!r} is no {schema['type']}"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{place}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value!r} is none of {schema['enum']}"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{place}: {value} is below {schema['minimum']}"
    if "maximum" in schema and value > schema["maximum"]:
        yield f"{place}: {value} is above {schema['maximum']}"
    if isinstance(value, dict):
        known = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                yield f"{place}: {name} is missing"
        for name, part in value.items():
            if name in known:
                yield from faults(part, known[name], f"{place}.{name}")
            elif schema.get("additionalProperties") is False:
                yield f"{place}: {name} is not in the schema"
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            yield f"{place}: fewer than {schema['minItems']} items"
        for index, part in enumerate(value):
            yield from faults(part, schema.get("items", {}), f"{place}[{index}]")
