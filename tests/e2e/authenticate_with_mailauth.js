// Judges a message as its recipient's server does: SPF, DKIM and DMARC, with mailauth.
// Usage: node authenticate_with_mailauth.js SERVER:PORT IP HELO REVERSE-PATH < message
// Asks that DNS server alone, and follows aliases itself, since it is no resolver. Prints one line of JSON.
const dns = require('dns').promises;
const { dkimVerify } = require('mailauth/lib/dkim/verify');
const { evaluateDmarc } = require('mailauth/lib/dmarc');
const { spf } = require('mailauth/lib/spf');

const [server, ip, helo, sender] = process.argv.slice(2);
const asked = new dns.Resolver();
asked.setServers([server]);

async function resolver(name, type) {
  for (let steps = 0; steps < 8; steps += 1) {
    const aliases = await asked.resolve(name, 'CNAME').catch(() => []);
    if (aliases.length === 0) break;
    [name] = aliases;
  }
  // A server of two zones refuses questions about others: in its world there are none.
  return asked.resolve(name, type).catch((error) => {
    throw error.code === 'EREFUSED' ? Object.assign(error, { code: 'ENOTFOUND' }) : error;
  });
}

async function main() {
  const dkim = await dkimVerify(process.stdin, { sender, resolver });
  const path = await spf({ ip, helo, sender, resolver, mta: 'mx.example.net' });
  const passed = dkim.results.filter((one) => one.status.result === 'pass');
  const { response: dmarc } = await evaluateDmarc({
    headerFrom: dkim.headerFrom,
    fromFields: dkim.fromFields,
    spfDomains: path.status.result === 'pass' ? [path.domain] : [],
    dkimDomains: passed.map((one) => ({ id: one.id, domain: one.signingDomain, aligned: one.status.aligned })),
    resolver,
  });
  console.log(JSON.stringify({
    spf: path.status.result,
    spfDomain: path.domain,
    dkim: dkim.results.map((one) => one.status.result),
    dmarc: dmarc.status.result,
    spfAligned: dmarc.alignment.spf.result,
    dkimAligned: dmarc.alignment.dkim.result,
  }));
}

main().catch((error) => { console.error(error); process.exit(1); });
