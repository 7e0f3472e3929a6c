#!/usr/bin/python3
"""How much of each parser the committed corpus of its fuzz target runs, in lines, by llvm-cov.

usage: coverage.py BUILD_FOLDER [--missing] [--corpus FOLDER] [TARGET...]

BUILD_FOLDER is a build of the coverage preset: there each target is a program that replays a corpus. Exits with 1
where a parser is below LINES_PERCENT_MIN, or where a parser is nobody's. --missing prints the lines that did not run.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINES_PERCENT_MIN = 90

# What each target is there for. A file may be several targets' (the server session's commands are met with DATA in
# one and with BDAT in another); each of these must reach the share alone.
PARSERS = {
    "acme": ["gateway/http/acme/issuance.cc", "gateway/http/acme/messages.cc", "gateway/http/acme_records.cc"],
    "address": ["gateway/identity/address_list.cc", "gateway/smtp/address.cc", "gateway/smtp/idna.cc",
                "gateway/smtp/xtext.cc"],
    "bdat": [],  # the chunks' way through data_stream.cc and server_session.cc, which are others' to cover
    "client_session": [
        "gateway/smtp/auth.cc", "gateway/smtp/client_auth.cc", "gateway/smtp/client_commands.cc", "gateway/smtp/client_replies.cc", "gateway/smtp/client_session.cc",
        "gateway/smtp/client_transaction.cc", "gateway/smtp/dot_stuffer.cc", "gateway/smtp/utf8_address.cc"],
    "command": ["gateway/smtp/command.cc", "gateway/smtp/parameters.cc", "gateway/smtp/xclient.cc"],
    "config": ["gateway/app/config_parse.cc", "gateway/app/config_protocol.cc", "gateway/app/config_reader.cc",
               "gateway/app/config_text.cc", "gateway/delivery/routing.cc"],
    "control": ["gateway/app/control_request.cc"],
    "data_stream": ["gateway/smtp/data_stream.cc"],
    "dkim": ["gateway/mail/dkim_body_hash.cc", "gateway/mail/dkim_header.cc", "gateway/mail/dkim_signature.cc"],
    "dns_answer": ["gateway/dns/answer.cc", "gateway/dns/message.cc", "gateway/dns/name.cc", "gateway/dns/record.cc"],
    "dns_update": ["gateway/dns/tsig.cc", "gateway/dns/update_message.cc"],
    "document": ["tools/ringpost/document_reader.cc"],
    "dsn": ["gateway/mail/dsn.cc", "gateway/mail/dsn_original.cc", "gateway/mail/dsn_text.cc"],
    "from_field": ["gateway/mail/from_field.cc"],
    "front_door": ["gateway/http/front_door.cc", "gateway/session/protocol_choice.cc"],
    "header_scan": ["gateway/mail/header_scan.cc", "gateway/mail/trace_header.cc"],
    "identity_request": ["gateway/app/domain_request.cc", "gateway/app/identity_request.cc", "gateway/identity/record_reader.cc",
                         "gateway/identity/records.cc"],
    "proxy_protocol": ["gateway/smtp/proxy_protocol.cc"],
    "record_opener": ["gateway/tls/record_body.cc", "gateway/tls/record_opener.cc"],
    "records": ["storage/records.cc", "storage/rows.cc"],
    "reencode": ["gateway/mail/content_encoding.cc", "gateway/mail/downgrade.cc", "gateway/mail/mime_entity.cc",
                 "gateway/mail/reencode.cc"],
    "reply": ["gateway/smtp/capabilities.cc", "gateway/smtp/reply_parser.cc"],
    "return_path": ["gateway/mail/return_path.cc"],
    "sasl": ["gateway/smtp/base64.cc", "gateway/smtp/sasl_server.cc"],
    "sender_domain": ["gateway/identity/dmarc_advice.cc", "gateway/identity/domain_check.cc", "gateway/identity/key_rotation.cc",
                      "gateway/identity/sender_domain_json.cc"],
    "server_session": ["gateway/smtp/server_auth.cc", "gateway/smtp/server_commands.cc",
                       "gateway/smtp/server_session.cc"],
    "tls_report_record": ["gateway/mail/tls_report_record.cc"],
    "tls_control": ["gateway/tls/connection_control.cc"],
    "tls": ["gateway/tls/connection.cc"],
    "certificate": ["gateway/tls/certificate.cc"],
}
# All of smtp and mail reads hostile bytes, but for these.
NOT_PARSERS = {"gateway/smtp/reply.cc"}  # writes replies


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, **options).stdout


def profile(program, corpus, folder):
    """Replays the corpus; the merged profile's path."""
    raw, merged = folder / "raw", folder / "merged"
    run(program, corpus, env=dict(os.environ, LLVM_PROFILE_FILE=str(raw)))
    run("llvm-profdata-19", "merge", "-sparse", raw, "-o", merged)
    return merged


def shares(program, merged, files):
    """{file: (lines run, lines)}."""
    paths = [str(ROOT / name) for name in files]
    report = json.loads(run("llvm-cov-19", "export", "-summary-only", f"-instr-profile={merged}", program, *paths))
    found = {}
    for entry in report["data"][0]["files"]:
        lines = entry["summary"]["lines"]
        found[str(pathlib.Path(entry["filename"]).relative_to(ROOT))] = (lines["covered"], lines["count"])
    return found


def missing_lines(program, merged, name):
    text = run("llvm-cov-19", "show", f"-instr-profile={merged}", program, str(ROOT / name), text=True)
    for line in text.splitlines():
        parts = line.split("|", 2)
        if len(parts) == 3 and parts[1].strip() == "0":
            yield f"{parts[0].strip()}: {parts[2]}"


def unnamed():
    named = {name for files in PARSERS.values() for name in files} | NOT_PARSERS
    return sorted(str(path.relative_to(ROOT)) for folder in ("smtp", "mail")
                  for path in (ROOT / "gateway" / folder).glob("*.cc")
                  if str(path.relative_to(ROOT)) not in named)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("build", type=pathlib.Path)
    arguments.add_argument("targets", nargs="*")
    arguments.add_argument("--missing", action="store_true")
    arguments.add_argument("--corpus", type=pathlib.Path, default=ROOT / "tests/fuzz/corpus")
    options = arguments.parse_intermixed_args()
    targets = sorted(path.name[:-len("_fuzz.cc")] for path in (ROOT / "tests/fuzz").glob("*_fuzz.cc"))
    wrong = [f"{name} is no target's parser" for name in unnamed()]
    wrong += [f"{target} has no parsers in PARSERS" for target in targets if target not in PARSERS]
    for target in options.targets or targets:
        files = PARSERS.get(target, [])
        program, corpus = options.build / "bin" / f"{target}_fuzz", options.corpus / target
        with tempfile.TemporaryDirectory() as folder:
            merged = profile(program, corpus, pathlib.Path(folder))
            found = shares(program, merged, files)
            print(f"{target}: {sum(1 for _ in corpus.iterdir())} inputs")
            for name in files:
                covered, count = found.get(name, (0, 1))
                percent = 100 * covered / count
                print(f"  {percent:5.1f} %  {covered:4} of {count:4}  {name}")
                if percent < LINES_PERCENT_MIN:
                    wrong.append(f"{target}: {name}: {percent:.1f} % of its lines, less than {LINES_PERCENT_MIN} %")
                if options.missing:
                    for line in missing_lines(program, merged, name):
                        print(f"      {line}")
    if wrong:
        print("\n".join(["below the mark:"] + wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
