import { relative } from 'node:path'
import { Command, Option } from 'commander'
import { endWhenIdle } from '../../examples/end-when-idle.ts'
import { readInput, targetOfFile } from './corpus.ts'
import { runTargets, type TargetSummary } from './run-targets.ts'
import { targets } from './targets.ts'

endWhenIdle()

const command = new Command('fuzz')
  .description('Gives hostile inputs to every decoder and every server handler.')
  .addOption(new Option('--inputs <count>', 'inputs of all targets together').default(1_000_000).argParser(Number))
  .addOption(new Option('--seed <number>', 'of the mutations: the same gives the same').argParser(Number))
  .option('--only <name>', 'only targets whose name begins so')
  .addOption(new Option('--threads <count>', 'targets run at a time').default(2).argParser(Number))
  .option('--replay <file>', 'runs one input of the corpus; with --only, any file for that target')
  .option('--list', 'names the targets')
  .option('--json', 'one JSON object a line for each target')
  .parse()

interface Flags {
  readonly inputs: number
  readonly seed?: number
  readonly only?: string
  readonly threads: number
  readonly replay?: string
  readonly list?: boolean
  readonly json?: boolean
}

const flags = command.opts<Flags>()
if (flags.list === true) for (const { name } of await targets()) console.log(name)
else if (flags.replay !== undefined) await replay(flags.replay)
else await fuzzAll()

async function fuzzAll(): Promise<void> {
  const { inputs, seed = Math.floor(Math.random() * 2 ** 31), only, threads, json } = flags
  const log = (line: string) => console.error(`  ${line}`)
  log(`${inputs.toLocaleString('en')} inputs, seed ${seed}`)
  const startedMs = performance.now()
  const summaries = await runTargets({
    inputs,
    seed,
    only,
    threads,
    onProgress: (progress) =>
      log(`${progress.inputs.toLocaleString('en')} of ${progress.of.toLocaleString('en')}: ${progress.targets}`)
  })
  for (const summary of summaries) console.log(json === true ? JSON.stringify(summary) : format(summary))
  const ran = summaries.reduce((sum, summary) => sum + summary.inputs, 0)
  const broken = summaries.filter(({ error }) => error !== undefined)
  const seconds = Math.round((performance.now() - startedMs) / 1_000)
  log(`${ran.toLocaleString('en')} inputs in ${seconds} s; ${broken.length} of ${summaries.length} targets broken`)
  for (const { files = [] } of broken) {
    for (const file of files) log(`npm run fuzz -- --replay ${relative('.', file)}`)
  }
  if (broken.length > 0) process.exitCode = 1
}

async function replay(file: string): Promise<void> {
  const name = flags.only ?? targetOfFile(file)
  const target = (await targets()).find((one) => one.name === name)
  if (target === undefined) throw new RangeError(`${file} is of no target; name one with --only`)
  const opened = await target.open()
  try {
    console.log(await opened.run(await readInput(file)))
  } finally {
    await opened.close?.()
  }
}

function format({ target, inputs, outcomes, seconds, error }: TargetSummary): string {
  const line = `${target}: ${inputs.toLocaleString('en')} inputs, ${outcomes} outcomes, ${seconds} s`
  return error === undefined ? line : `${line}\n${error}`
}
