# Verifies the DKIM signatures of messages with Mail::DKIM.
# Usage: perl verify_with_mail_dkim.pl KEYS < names of files, one a line
# KEYS holds TXT records, "NAME RECORD" lines: nobody is asked in the DNS. Prints one line of JSON for each file: its
# signatures' results, {selector: result}.
use strict;
use warnings;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;

my %keys;
open my $file, '<', $ARGV[0] or die "$ARGV[0]: $!";
while (<$file>) { chomp; my ($name, $record) = split / /, $_, 2; $keys{$name} = $record; }
close $file;

# Stands for an answer's record.
package Record { sub new { bless {text => $_[1]}, $_[0] } sub type { 'TXT' } sub txtdata { $_[0]{text} } }
{
  no warnings 'redefine';
  *Mail::DKIM::DNS::query = sub { my ($name) = @_; return exists $keys{$name} ? Record->new($keys{$name}) : (); };
  *Mail::DKIM::DNS::query_async = sub {
    my ($name, $type, %callbacks) = @_;
    my @found = Mail::DKIM::DNS::query($name);
    my $then = $callbacks{Callbacks}{Success};
    my $result = $then ? $then->(@found) : @found;
    return sub { $then ? $result : @found };
  };
}

while (my $name = <STDIN>) {
  chomp $name;
  my $verifier = Mail::DKIM::Verifier->new;
  open my $message, '<:raw', $name or die "$name: $!";
  local $/ = \65536;
  while (my $piece = <$message>) { $verifier->PRINT($piece); }
  close $message;
  $verifier->CLOSE;
  print '{', join(', ', map { sprintf '"%s": "%s"', $_->selector, $_->result } $verifier->signatures), "}\n";
}
