// Sends three messages over one pooled connection, one of them with an attachment and DSN parameters.
// Usage: node send_with_nodemailer.js PORT
const nodemailer = require('nodemailer');

async function main() {
  const transport = nodemailer.createTransport({
    host: '127.0.0.1', port: Number(process.argv[2]), secure: false, ignoreTLS: true, pool: true,
    maxConnections: 1,
  });
  const sent = [];
  for (const n of [1, 2, 3]) {
    const info = await transport.sendMail({
      from: 'Node <node@example.com>', to: `rcpt${n}@example.net`, subject: `nodemailer ${n}`,
      text: 'Grüße\n.\n..\nend', dsn: n === 2 ? { id: 'env+2', return: 'headers', notify: ['failure', 'delay'],
        recipient: 'rcpt2@example.net' } : undefined,
      attachments: n === 3 ? [{ filename: 'zeros.bin', content: Buffer.alloc(300000) }] : [],
    });
    sent.push(info.response);
  }
  transport.close();
  console.log(JSON.stringify(sent));
}

main().catch((error) => { console.error(error); process.exit(1); });
