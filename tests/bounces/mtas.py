"""MTAs out of their Debian packages, each in a root of its own: what they need there, and how they are run."""

import pathlib

from far_end import MTA_ADDRESS, MTA_NAME


class Mta:
    """`root`: an overlay of the system with the packages unpacked over it; `run` runs a command in it."""
    packages = ()
    users = {}  # name: number; their groups have the same
    submit = ["/usr/sbin/sendmail"]

    def __init__(self, root, run):
        self.root, self.run = pathlib.Path(root), run

    def write(self, path, text, mode=0o644):
        path = self.root / path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def folder(self, path, owner="root", mode=0o755):
        self.run(["install", "-d", "-o", owner, "-g", owner if owner != "root" else "root", "-m", f"{mode:o}", path])

    def add_users(self):
        for name, line in (("passwd", "{n}:x:{i}:{i}::/:/bin/false\n"), ("group", "{n}:x:{i}:\n")):
            path = self.root / "etc" / name
            path.write_text(path.read_text() + "".join(line.format(n=n, i=i) for n, i in self.users.items()
                                                       if f"\n{n}:" not in path.read_text()))

    def start(self):
        raise NotImplementedError

    def kick(self):
        """Time to look at what was deferred."""


class Postfix(Mta):
    packages = ("postfix",)

    def start(self):
        self.write("/etc/postfix/main.cf", f"""
compatibility_level = 3.6
queue_directory = /var/spool/postfix
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
data_directory = /var/lib/postfix
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = {MTA_NAME}
mydestination =
smtp_bind_address = {MTA_ADDRESS}
smtp_tls_security_level = none
smtp_dns_resolver_options =
maximal_queue_lifetime = 0
bounce_queue_lifetime = 0
alias_maps =
""")
        self.run(["sh", "-c", "cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf; "
                  "sed -i -E 's/^((smtp|lmtp|cleanup|relay|bounce|defer|trace|verify|rewrite|proxymap|qmgr|pickup|error|"
                  "retry|discard|local|virtual|anvil|scache|flush|showq|tlsmgr|postlog|proxywrite)\\s+\\S+\\s+\\S+\\s+"
                  "\\S+\\s+)[-y]/\\1n/; s/^smtp +inet/#&/' /etc/postfix/master.cf; "
                  "chown -R postfix /var/lib/postfix; postfix start"])


class Exim(Mta):
    packages = ("exim4-daemon-heavy", "exim4-base", "libmariadb3", "libspf2-2")
    users = {"Debian-exim": 979}
    submit = ["/usr/sbin/exim4"]

    def start(self):
        self.write("/etc/exim4/exim4.conf", f"""
primary_hostname = {MTA_NAME}
exim_user = Debian-exim
exim_group = Debian-exim
spool_directory = /var/spool/exim4
log_file_path = /var/spool/exim4/%slog
tls_advertise_hosts =
host_lookup =
keep_environment =
trusted_users = root
begin routers
out:
  driver = dnslookup
  self = send
  transport = smtp
  no_more
begin transports
smtp:
  driver = smtp
  interface = {MTA_ADDRESS}
  hosts_try_dane =
  hosts_avoid_tls = *
begin retry
* * F,1s,1s
""")
        self.folder("/var/spool/exim4", "Debian-exim", 0o750)
        self.run(["ln", "-sf", "exim4", "/usr/sbin/exim"])

    def kick(self):
        self.run(["/usr/sbin/exim4", "-qff"])


class Sendmail(Mta):
    packages = ("sendmail-bin", "sendmail-base", "sendmail-cf", "libmilter1.0.1", "liblockfile1", "libwrap0", "m4")
    users = {"smmta": 981, "smmsp": 982}
    submit = ["/usr/libexec/sendmail/sendmail", "-C/etc/mail/sendmail.cf"]

    def start(self):
        self.write("/etc/mail/sendmail.mc", f"""
include(`/usr/share/sendmail/cf/m4/cf.m4')
OSTYPE(`debian')
define(`confDOMAIN_NAME', `{MTA_NAME}')
define(`confTO_QUEUERETURN', `2s')
define(`confTO_QUEUEWARN', `')
define(`confCLIENT_OPTIONS', `Name=client, Addr={MTA_ADDRESS}')
define(`confDELIVERY_MODE', `queueonly')
define(`ALIAS_FILE', `')
FEATURE(`accept_unresolvable_domains')
MAILER(`smtp')
""")
        for path in ("/var/spool/mqueue", "/var/run/sendmail/mta", "/var/lib/sendmail"):
            self.folder(path, mode=0o700)
        self.write("/etc/mail/local-host-names", "")
        self.run(["sh", "-c", "cd /etc/mail && m4 -D_CF_DIR_=/usr/share/sendmail/cf/ sendmail.mc > sendmail.cf"])

    def kick(self):
        self.run([*self.submit, "-q", "-v"])


class Opensmtpd(Mta):
    packages = ("opensmtpd", "libevent-2.1-7")
    users = {"opensmtpd": 983, "opensmtpq": 984}
    submit = ["/usr/sbin/sendmail"]

    def start(self):
        self.write("/etc/smtpd.conf", f"""
queue ttl 12s
bounce warn-interval 1d
listen on socket
action "out" relay src {MTA_ADDRESS} helo {MTA_NAME}
match from local for any action "out"
""")
        self.write("/etc/mailname", MTA_NAME + "\n")
        self.run(["sh", "-c", "mkdir -p /var/empty /var/spool/smtpd /run; chmod 711 /var/spool/smtpd; "
                  "ln -sf smtpctl /usr/sbin/sendmail; chgrp opensmtpq /usr/sbin/smtpctl; chmod 2555 /usr/sbin/smtpctl; "
                  "/usr/sbin/smtpd; sleep 8"])

    def kick(self):
        self.run(["/usr/sbin/smtpctl", "schedule", "all"])


MTAS = {kind.__name__.lower(): kind for kind in (Postfix, Exim, Sendmail, Opensmtpd)}
