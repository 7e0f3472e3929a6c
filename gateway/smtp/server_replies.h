// What the server session says by itself, as it goes on the wire. Each refusal: what was refused,
// why, and what to do. Enhanced codes are those of RFC 3463 and the IANA registry. Private to
// gateway/smtp.
#pragma once

#include <string_view>

namespace ringpost::smtp::replies {

using Text = std::string_view;

// --- Success
inline constexpr Text kSenderOk = "250 2.1.0 Sender accepted\r\n";
inline constexpr Text kRecipientOk = "250 2.1.5 Recipient accepted\r\n";
inline constexpr Text kGoAhead = "354 Send the message; end it with <CRLF>.<CRLF>\r\n";
inline constexpr Text kChunkOk = "250 2.0.0 Chunk received\r\n";
inline constexpr Text kReset = "250 2.0.0 Transaction forgotten\r\n";
inline constexpr Text kNoop = "250 2.0.0 Still here\r\n";
inline constexpr Text kBye = "221 2.0.0 Goodbye\r\n";
inline constexpr Text kAuthOk = "235 2.7.0 Authenticated\r\n";
inline constexpr Text kStartTls = "220 2.0.0 Begin the TLS handshake\r\n";
inline constexpr Text kVrfy =
    "252 2.0.0 Addresses are not verified here; send the message and see\r\n";
inline constexpr Text kHelp =
    "214-2.0.0 This server takes mail: EHLO, MAIL, RCPT, DATA or BDAT, QUIT\r\n"
    "214-2.0.0 Also HELO, RSET, NOOP, VRFY, HELP (RFC 5321)\r\n"
    "214 2.0.0 Lines end in CRLF; EHLO lists the extensions\r\n";

// --- Lines
inline constexpr Text kLineTooLong = "500 5.5.2 Line too long; the whole of it was dropped\r\n";
inline constexpr Text kBareLf =
    "500 5.5.2 LF without CR in a command; every line must end in CRLF\r\n";
inline constexpr Text kBareCr =
    "500 5.5.2 CR without LF in a command; every line must end in CRLF\r\n";
inline constexpr Text kControl = "500 5.5.2 NUL or control character in a command\r\n";
inline constexpr Text kHighCommand =
    "500 5.5.2 Non-ASCII bytes are allowed in addresses only, after MAIL ... SMTPUTF8\r\n";

// --- Commands
inline constexpr Text kUnknownCommand = "500 5.5.2 Command not recognised; see HELP\r\n";
inline constexpr Text kUnsupported = "502 5.5.1 Command not offered here; EHLO lists what is\r\n";
inline constexpr Text kForeign =
    "554 5.5.1 This is an SMTP server, and that was another protocol\r\n";
inline constexpr Text kHeloSyntax = "501 5.5.4 Say EHLO or HELO with your host name\r\n";
inline constexpr Text kHeloFirst = "503 5.5.1 Say EHLO first\r\n";
inline constexpr Text kNoArgument = "501 5.5.4 This command takes no argument\r\n";
inline constexpr Text kVrfySyntax = "501 5.5.4 Say VRFY with an address\r\n";
inline constexpr Text kNested =
    "503 5.5.1 A sender was given already; finish that message or say RSET\r\n";
inline constexpr Text kMailFirst = "503 5.5.1 Say MAIL FROM first\r\n";
inline constexpr Text kBodyBegun =
    "503 5.5.1 The message has begun with BDAT; go on with BDAT or say RSET\r\n";
inline constexpr Text kNoRecipients = "554 5.5.1 No valid recipients: no RCPT was accepted\r\n";
inline constexpr Text kTooManyRecipients =
    "452 4.5.3 Too many recipients for one message; send the rest in another\r\n";
inline constexpr Text kTooManyMails =
    "421 4.7.0 This session has had all its messages; open a new connection\r\n";
inline constexpr Text kTooManyErrors = "421 4.7.0 Too many errors; closing the connection\r\n";
inline constexpr Text kTooMuchJunk =
    "421 4.7.0 Too many commands without a message; closing the connection\r\n";
inline constexpr Text kEarlyTalker =
    "554 5.5.1 You spoke before the greeting; wait for it, then try again\r\n";
inline constexpr Text kOutOfStep =
    "554 5.5.0 More was sent without waiting for the reply to this command, which must be the last "
    "of its "
    "group (RFC 2920); closing the connection\r\n";

// --- MAIL and RCPT
inline constexpr Text kMailSyntax = "501 5.5.4 Say MAIL FROM:<address>\r\n";
inline constexpr Text kRcptSyntax = "501 5.5.4 Say RCPT TO:<address>\r\n";
inline constexpr Text kBadSender =
    "501 5.1.7 The sender is not a valid address (local-part@domain, at most 64 and 255 octets, "
    "256 in all)"
    "\r\n";
inline constexpr Text kBadRecipient =
    "501 5.1.3 The recipient is not a valid address (local-part@domain, at most 64 and 255 octets, "
    "256 in "
    "all)\r\n";
inline constexpr Text kUtf8Sender =
    "553 5.6.7 A sender with non-ASCII characters needs MAIL FROM ... SMTPUTF8\r\n";
inline constexpr Text kUtf8Recipient =
    "553 5.6.7 A recipient with non-ASCII characters needs MAIL FROM ... SMTPUTF8\r\n";
inline constexpr Text kUnknownMailParameter =
    "555 5.5.4 A MAIL FROM parameter is not offered here; EHLO lists the extensions\r\n";
inline constexpr Text kUnknownRecipientParameter =
    "555 5.5.4 A RCPT TO parameter is not offered here; EHLO lists the extensions\r\n";
inline constexpr Text kParameterTwice = "501 5.5.4 A parameter was given twice\r\n";
inline constexpr Text kBadSize = "501 5.5.4 SIZE must be a number of octets\r\n";
inline constexpr Text kBadBody = "501 5.5.4 BODY must be 7BIT or 8BITMIME\r\n";
inline constexpr Text kNoBinaryMime =
    "501 5.5.4 BODY=BINARYMIME is not offered here; encode the message and declare 8BITMIME or "
    "7BIT\r\n";
inline constexpr Text kBadSmtpUtf8 = "501 5.5.4 SMTPUTF8 takes no value\r\n";
inline constexpr Text kBadRequireTls = "501 5.5.4 REQUIRETLS takes no value\r\n";
inline constexpr Text kRequireTlsInClear =
    "530 5.7.10 REQUIRETLS is taken under TLS only; say STARTTLS first (RFC 8689)\r\n";
inline constexpr Text kBadRet = "501 5.5.4 RET must be FULL or HDRS\r\n";
inline constexpr Text kBadEnvid =
    "501 5.5.4 ENVID must be xtext of printable ASCII, at most 100 octets (RFC 3461)\r\n";
inline constexpr Text kBadNotify =
    "501 5.5.4 NOTIFY must be NEVER, or a list of SUCCESS, FAILURE and DELAY\r\n";
inline constexpr Text kBadOrcpt =
    "501 5.5.4 ORCPT must be type;xtext of printable ASCII, at most 500 octets (RFC 3461)\r\n";

inline constexpr Text kBadAuth =
    "501 5.5.4 AUTH must be <> or an address in xtext (RFC 4954 section 5)\r\n";

// --- The message
inline constexpr Text kTooBig =
    "552 5.3.4 The message is bigger than this server takes (see SIZE in EHLO)\r\n";
inline constexpr Text kBareNewline =
    "550 5.6.0 The message has a CR or LF that stands alone; every line must end in CRLF (RFC 5321 "
    "section "
    "2.3.8)\r\n";
inline constexpr Text kNulInBody = "550 5.6.0 The message has NUL octets; encode it (RFC 2045)\r\n";
inline constexpr Text kUndeclared8bit =
    "554 5.6.1 The message has 8-bit octets that were not declared; say BODY=8BITMIME\r\n";
inline constexpr Text kLongLine =
    "554 5.6.0 The message has a line of more than 1000 octets; fold or encode it\r\n";

// --- STARTTLS
inline constexpr Text kStartTlsFirst =
    "530 5.7.0 This server takes mail under TLS only; say STARTTLS first\r\n";
inline constexpr Text kTlsAlready = "503 5.5.1 TLS is in use already\r\n";
inline constexpr Text kStartTlsAfterXclient = "503 5.5.1 STARTTLS must come before XCLIENT\r\n";

// --- AUTH
inline constexpr Text kAuthInClear =
    "538 5.7.11 AUTH is not taken in clear text, and what was sent with it can be read on the way; "
    "say STARTTLS first\r\n";
inline constexpr Text kAuthFirst =
    "530 5.7.0 This server takes mail from authenticated clients only; say AUTH first\r\n";
inline constexpr Text kAuthSyntax =
    "501 5.5.4 Say AUTH with a mechanism, and an initial response in base64 or nothing\r\n";
inline constexpr Text kAuthUnknown =
    "504 5.5.4 That mechanism is not offered here; EHLO lists those that are\r\n";
inline constexpr Text kAuthAlready = "503 5.5.1 This session is authenticated already\r\n";
inline constexpr Text kAuthInMail =
    "503 5.5.1 AUTH can't come within a message; finish that or say RSET\r\n";
inline constexpr Text kAuthNotBase64 =
    "501 5.5.2 That is no base64 (RFC 4648 section 4); begin again with AUTH\r\n";
inline constexpr Text kAuthMalformed =
    "501 5.5.2 That is no message of the mechanism, or a name or password that nobody can have; "
    "begin again with AUTH\r\n";
inline constexpr Text kAuthCancelled = "501 5.7.0 Authentication cancelled\r\n";
inline constexpr Text kAuthLineTooLong =
    "500 5.5.6 Line too long for AUTH; the whole of it was dropped\r\n";
inline constexpr Text kTooManyLogins =
    "421 4.7.0 Too many tries to authenticate; closing the connection\r\n";

// --- BDAT and XCLIENT
inline constexpr Text kBdatSyntax =
    "501 5.5.4 Say BDAT with a number of octets, then LAST or nothing; closing the connection, "
    "since what "
    "follows can't be told from commands\r\n";
inline constexpr Text kChunkTooBig =
    "552 5.3.4 The chunk is bigger than any message this server takes; closing the connection\r\n";
inline constexpr Text kNoChunking = "502 5.5.1 BDAT is not offered here; use DATA\r\n";
inline constexpr Text kXclientRefused = "550 5.7.0 XCLIENT is not allowed from this address\r\n";
inline constexpr Text kXclientInMail = "503 5.5.1 XCLIENT can't come within a message\r\n";
inline constexpr Text kXclientSyntax =
    "501 5.5.4 XCLIENT takes NAME, ADDR, PORT, PROTO, HELO and LOGIN with xtext values\r\n";

}  // namespace ringpost::smtp::replies
