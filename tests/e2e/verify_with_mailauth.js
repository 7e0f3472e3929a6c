// Verifies the DKIM signatures of messages with mailauth.
// Usage: node verify_with_mailauth.js KEYS < names of files, one a line
// KEYS holds TXT records, "NAME RECORD" lines: nobody is asked in the DNS. Prints one line of JSON for each file: its
// signatures' results, {selector: result}, in the strict reading of the RFCs.
const fs = require('fs');
const { dkimVerify } = require('mailauth/lib/dkim/verify');

const keys = new Map(fs.readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean)
  .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));

async function resolver(name, type) {
  if (type !== 'TXT' || !keys.has(name)) throw Object.assign(new Error(`no ${type} of ${name}`), { code: 'ENOTFOUND' });
  return [[keys.get(name)]];
}

async function main() {
  for (const file of fs.readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
    const { results } = await dkimVerify(fs.createReadStream(file), { resolver, strict: true, minBitLength: 2048 });
    console.log(JSON.stringify(Object.fromEntries(results.map((one) => [one.selector, one.status.result]))));
  }
}

main().catch((error) => { console.error(error); process.exit(1); });
