# Alarms that end a call, handlers, masks, and children that are heard of.
use strict;
use POSIX ();
$| = 1;
eval {
  local $SIG{ALRM} = sub { die "alarm\n" };
  alarm 1;
  sleep 10;
};
print "ended by $@";
my @seen;
$SIG{$_} = sub { push @seen, $_[0] } for qw(USR1 USR2 HUP);
my $set = POSIX::SigSet->new(POSIX::SIGUSR1(), POSIX::SIGHUP());
my $old = POSIX::SigSet->new;
POSIX::sigprocmask(POSIX::SIG_BLOCK(), $set, $old);
kill $_ => $$ for qw(USR1 USR2 HUP USR1);
print "blocked: @seen\n";
POSIX::sigprocmask(POSIX::SIG_SETMASK(), $old);
print "then: @{[sort @seen]}\n";
my $heard = 0;
$SIG{CHLD} = sub { while ((my $pid = waitpid(-1, POSIX::WNOHANG())) > 0) { $heard += $? >> 8 } };
for my $n (1 .. 5) {
  my $pid = fork;
  if (!$pid) { select undef, undef, undef, 0.01 * $n; exit $n }
}
my $loops = 0;
while ($heard < 15 && $loops++ < 1000) { select undef, undef, undef, 0.05 }
print "heard $heard\n";
$SIG{CHLD} = 'DEFAULT';
my $pid = fork;
if (!$pid) { kill STOP => $$; exit 9 }
waitpid $pid, POSIX::WUNTRACED();
printf "stopped %d by %d\n", POSIX::WIFSTOPPED(${^CHILD_STATUS_NATIVE}),
  POSIX::WSTOPSIG(${^CHILD_STATUS_NATIVE});
kill CONT => $pid;
waitpid $pid, 0;
print "exit ", $? >> 8, "\n";
pipe my $from, my $to;
close $from;
$SIG{PIPE} = sub { print "broken pipe\n" };
syswrite $to, "x" or print "$!\n";
kill SEGV => $$ if !fork;
wait;
print "child's signal ", $? & 127, "\n";
my $action = POSIX::SigAction->new(sub { print "once\n" }, POSIX::SigSet->new, POSIX::SA_RESETHAND());
POSIX::sigaction(POSIX::SIGTERM(), $action);
kill TERM => $$;
if (!fork) { kill TERM => $$; print "not printed\n" }
wait;
print "ended by ", $? & 127, "\n";
