import { Command, InvalidArgumentError, Option } from 'commander'

export interface ChaosOptions {
  readonly seed: number
  /** In which faults begin and end. */
  readonly durationMs: number
  readonly validators: number
  readonly byzantine: number
  readonly fullNodes: number
  readonly roundIntervalMs: number
  readonly epochCommits: number
  readonly json: boolean
  /** To print the schedule and run nothing. */
  readonly schedule: boolean
}

interface Flags {
  readonly minutes: number
  readonly seed?: number
  readonly validators: number
  readonly byzantine?: number
  readonly fullNodes: number
  readonly roundMs: number
  readonly epochCommits: number
  readonly json?: boolean
  readonly schedule?: boolean
}

export function parseChaosOptions(argv: readonly string[]): ChaosOptions {
  const command = new Command('chaos')
    .description('Runs a network of processes through faults and lies, and judges what is left.')
    .addOption(number('--minutes <count>', 'in which faults begin and end', 0.05).default(1))
    .addOption(integer('--seed <number>', 'of the schedule and of the chain: the same gives the same faults', 0))
    .addOption(integer('--validators <count>', 'of the genesis', 4).default(4))
    .addOption(integer('--byzantine <count>', 'of them, run by liars (default: as many as a chain bears)', 0))
    .addOption(integer('--full-nodes <count>', 'beside them', 1).default(2))
    .addOption(integer('--round-ms <milliseconds>', 'between commits', 50).default(250))
    .addOption(integer('--epoch-commits <count>', 'of an epoch', 10).default(40))
    .option('--json', 'one JSON object on standard output, at the end')
    .option('--schedule', 'prints the schedule and runs nothing')
    .parse([...argv])
  const { minutes, byzantine, seed, roundMs, json, schedule, ...counts } = command.opts<Flags>()
  const most = Math.floor((counts.validators - 1) / 3)
  if ((byzantine ?? 0) > most)
    command.error(`error: ${counts.validators} validators bear ${most} Byzantine ones at most`)
  return {
    ...counts,
    seed: seed ?? Math.floor(Math.random() * 2 ** 31),
    durationMs: minutes * 60_000,
    byzantine: byzantine ?? most,
    roundIntervalMs: roundMs,
    json: json === true,
    schedule: schedule === true
  }
}

function number(flags: string, description: string, least: number, isRight = Number.isFinite): Option {
  return new Option(flags, description).argParser((text) => {
    const value = Number(text)
    if (text.trim() === '' || !isRight(value) || value < least) throw new InvalidArgumentError(`At least ${least}.`)
    return value
  })
}

function integer(flags: string, description: string, least: number): Option {
  return number(flags, description, least, Number.isSafeInteger)
}
