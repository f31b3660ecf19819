/**
 * Runs a program for which every sync succeeds and does nothing, as on a disk that lies: a seccomp filter answers 0 in
 * place of the kernel. With it, a test that nothing can fail would be found out. Linux, root and perl.
 */
export function withoutSyncs(): readonly string[] {
  const calls = syncCalls[process.arch]
  if (calls === undefined) throw new Error(`the numbers of the system calls of ${process.arch} are not known`)
  return ['perl', '-e', script, String(calls.prctl), calls.syncs.join(',')]
}

/** fsync, fdatasync, sync_file_range, msync, syncfs. */
const syncCalls: Readonly<Record<string, { readonly prctl: number; readonly syncs: readonly number[] }>> = {
  x64: { prctl: 157, syncs: [74, 75, 277, 26, 306] },
  arm64: { prctl: 167, syncs: [82, 83, 84, 227, 267] },
}

/** A filter in the kernel's small machine language: load the number of the call, compare it with each, allow or answer 0. */
const script = `
  my ($prctl, $numbers, @command) = @ARGV;
  my @calls = split(/,/, $numbers);
  my $filter = pack('SCCL', 0x20, 0, 0, 0);
  for my $index (0 .. $#calls) { $filter .= pack('SCCL', 0x15, $#calls - $index + 1, 0, $calls[$index]) }
  $filter .= pack('SCCL', 0x06, 0, 0, 0x7fff0000) . pack('SCCL', 0x06, 0, 0, 0x00050000);
  my $program = pack('S x6 P', @calls + 3, $filter);
  syscall($prctl, 22, 2, $program) == 0 or die "prctl: $!";
  exec(@command) or die "exec: $!";
`
