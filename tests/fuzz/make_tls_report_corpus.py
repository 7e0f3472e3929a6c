#!/usr/bin/python3
"""Writes the seed corpus of tls_report_record_fuzz."""
import pathlib

FOLDER = pathlib.Path(__file__).parent / "corpus/tls_report_record"
RECORDS = {
    "mail": "v=TLSRPTv1;rua=mailto:reports@example.com",
    "https": "v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt",
    "both": "v=TLSRPTv1 ;\trua=HTTPS://a.example/x , MAILTO:b@b.example,https://a.example/x;",
    "others": "v=spf1 -all\nv=TLSRPTv1; rua=mailto:a@b.example\n\nv=TLSRPTv12; rua=x",
    "two": "v=TLSRPTv1; rua=mailto:a@b.example\nv=TLSRPTv1; rua=mailto:a@b.example",
    "none": "v=TLSRPTv1",
    "unknown": "v=TLSRPTv1; x-1.y=z; rua=ftp://a.example/,mailto:a@b.example; ruf=mailto:c@d",
    "malformed": "v=TLSRPTv1;;rua=mailto:a@b.example",
    "no-name": "v=TLSRPTv1; =x; rua=mailto:a@b.example",
    "encoded": "v=TLSRPTv1; rua=mailto:a%2Bb%21c@d.example?subject=x,mailto:a%4,mailto:%zz@b.example",
    "quoted": "v=TLSRPTv1; rua=mailto:%22a%20b%2C%3B%22@d.example",
    "injected": "v=TLSRPTv1; rua=mailto:a@b.example%0d%0aBcc:x@y.z,mailto:a@[192.0.2.1],mailto:a@b.example!10m",
    "many": "v=TLSRPTv1; rua=" + ",".join(f"mailto:{i}@b.example" for i in range(9)),
    "long": "v=TLSRPTv1; rua=https://a.example/" + "x" * 1100 + ",mailto:a@b.example",
    "longest": "v=TLSRPTv1; rua=mailto:a@b.example; x=" + "x" * 5000,
}

FOLDER.mkdir(parents=True, exist_ok=True)
for name, text in RECORDS.items():
    (FOLDER / name).write_bytes(text.encode())
