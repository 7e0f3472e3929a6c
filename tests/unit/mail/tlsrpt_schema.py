"""A JSON schema of TLS reports, written from the text of RFC 8460 section 4.4, and a check against it."""
import jsonschema

RESULTS = ["starttls-not-supported", "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted",
           "validation-failure", "tlsa-invalid", "dnssec-invalid", "dane-required", "sts-policy-fetch-error",
           "sts-policy-invalid", "sts-webpki-invalid"]
COUNT = {"type": "integer", "minimum": 0}
TEXT = {"type": "string", "minLength": 1}
ADDRESS = {"anyOf": [{"type": "string", "format": "ipv4"}, {"type": "string", "format": "ipv6"}]}
#RFC 3339's date - time, in UTC : format "date-time" needs a package that may not be there.
TIME = {"type": "string", "pattern": r"^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\dZ$"}
DOMAIN = {"type": "string", "pattern": r"^([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}$"}


def an_object(required, optional=None):
    return {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required),
            "additionalProperties": False}


FAILURE = an_object({"result-type": {"enum": RESULTS}, "failed-session-count": {"type": "integer", "minimum": 1}},
                    {"sending-mta-ip": ADDRESS, "receiving-mx-hostname": TEXT, "receiving-mx-helo": TEXT,
                     "receiving-ip": ADDRESS, "additional-information": {"type": "string", "format": "uri"},
                     "failure-reason-code": TEXT})
POLICY = an_object({"policy-type": {"enum": ["tlsa", "sts", "no-policy-found"]}, "policy-domain": DOMAIN},
                   {"policy-string": {"type": "array", "items": {"type": "string"}},
                    "mx-host": {"type": "array", "items": TEXT}})
SCHEMA = an_object({
    "organization-name": TEXT,
    "date-range": an_object({"start-datetime": TIME, "end-datetime": TIME}),
    "contact-info": TEXT,
    "report-id": TEXT,
    "policies": {"type": "array", "minItems": 1, "items": an_object(
        {"policy": POLICY,
         "summary": an_object({"total-successful-session-count": COUNT, "total-failure-session-count": COUNT})},
        {"failure-details": {"type": "array", "items": FAILURE}})},
})


def check(report):
    """Raises where `report`, parsed, is not as the standard has it."""
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.validate(report, SCHEMA, format_checker=jsonschema.FormatChecker())
    assert report["date-range"]["start-datetime"] < report["date-range"]["end-datetime"]
    for one in report["policies"]:
        failures = one.get("failure-details", [])
        assert sum(each["failed-session-count"] for each in failures) == one["summary"]["total-failure-session-count"]
        if one["policy"]["policy-type"] != "no-policy-found":
            assert one["policy"]["policy-string"], "a policy that was found has its text"
