# Digests of a text, line by line and as a whole, and letters beyond ASCII.
my @lines;
open(IN, "</home/words.txt") or die "words.txt: $!\n";
@lines = <IN>;
close(IN);
my $all = join "", @lines;
print "md5    ", md5_hex($all), "\n";
print "sha1   ", sha1_hex($all), "\n";
print "sha256 ", sha256_hex($all), "\n";
printf "crc32  %08x adler32 %08x\n", crc32($all), adler32($all);
my %seen;
for my $line (@lines) {
    chomp $line;
    next unless length $line;
    my $key = substr(md5_hex($line), 0, 1);
    $seen{$key} .= substr $line, 0, 1;
}
print "$_:$seen{$_} " for sort keys %seen;
print "\n";
my $code = encode_base64(substr $all, 0, 45);
print "$code\n", decode_base64($code), "\n";
my $greek = "\x{3b1}\x{3b2}\x{3b3} \x{424}\x{438}\x{437} \x{43f}\x{440}";
for my $text ($greek, uc $greek, ucfirst lc uc $greek) {
    print "letters: ", join(" ", map { sprintf "%x", ord } $text =~ /\p{Greek}|\p{Cyrillic}/g), "\n";
}
