import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '../../../examples/cli/cli-error.ts'
import { loadConfig } from '../../../examples/cli/load-config.ts'
import { describeValidator, formatDescriptor, readDescriptor } from '../../../examples/cli/validator-descriptor.ts'
import { KeyFileError, readKeyFile, writeKeyFile } from '../../../src/node/key-file.ts'
import { SomaError } from '../../../src/runtime/soma-error.ts'
import { deriveValidatorKeys } from '../../../src/testing/index.ts'
import { outcomeOf } from '../decoder-target.ts'
import type { FuzzTarget, OpenTarget } from '../fuzz-target.ts'

/** What an operator hands to the command line: they make mistakes, and are told of them with a code. */
export function fileTargets(): FuzzTarget[] {
  return [
    fileTarget(
      'cli/config',
      0.08,
      async () => CONFIGS,
      UsageError,
      (path) => loadConfig(path, {})
    ),
    fileTarget('cli/descriptor', 0.08, descriptors, SomaError, readDescriptor),
    fileTarget('cli/key-file', 0.08, keyFiles, KeyFileError, readKeyFile)
  ]
}

const CONFIGS = [
  'genesis: genesis.bin\n',
  `genesis: genesis.bin
key: validator.json
dataDir: data
listen: [/ip4/0.0.0.0/tcp/9000]
announce: [/dns4/node.example/tcp/9000]
seeds: [/ip4/192.0.2.7/tcp/9000/p2p/12D3KooWJFZgUEP6afn3hQF2TeXKefMUxNFuMhwecESSVRVifgjk]
peers: []
network: { targetConnections: 20, maxConnections: 50, private: true, accessType: trusted }
sync: { keepCommits: 1000000, verification: certified, handOver: proof }
consensus: scripted
scripted: { keys: [a.json, b.json], seed: 1, transactions: 10 }
executor: none
log: { level: info, components: { soma-p2p:state-sync: debug, libp2p:tcp: trace } }
`,
  '{"genesis": "genesis.bin", "network": {"maxConnections": 1}, "log": {"level": "debug"}}',
  'base: &base { level: info }\ngenesis: g\nlog: *base\n',
  'genesis: &a [*a]\n',
  'genesis: g\nlog: { components: &c { libp2p: *c } }\n'
]

async function descriptors(): Promise<string[]> {
  const keys = { role: 'validator' as const, ...deriveValidatorKeys(1, 0) }
  return [formatDescriptor(describeValidator(keys)), ...(await keyFiles())]
}

async function keyFiles(): Promise<string[]> {
  return await inDirectory(async (directory) => {
    const seeds = deriveValidatorKeys(1, 0)
    const texts: string[] = []
    for (const role of ['validator', 'full'] as const) {
      const path = join(directory, role)
      const { networkSeed } = seeds
      await writeKeyFile(path, role === 'validator' ? { role, ...seeds } : { role, networkSeed })
      texts.push(await readFile(path, 'utf8'))
    }
    return texts
  })
}

function fileTarget(
  name: string,
  weight: number,
  texts: () => Promise<readonly string[]>,
  refusal: abstract new (...given: never[]) => Error,
  read: (path: string) => Promise<unknown>
): FuzzTarget {
  return {
    name,
    shape: 'text',
    weight,
    async open(): Promise<OpenTarget> {
      const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-fuzz-'))
      const path = join(directory, 'file')
      return {
        seeds: (await texts()).map((text) => new Uint8Array(Buffer.from(text))),
        async run(input) {
          await writeFile(path, input, { mode: 0o600 })
          try {
            await read(path)
          } catch (thrown) {
            if (thrown instanceof refusal) return outcomeOf(thrown)
            throw thrown
          }
          return 'a value'
        },
        close: () => rm(directory, { recursive: true })
      }
    }
  }
}

async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-fuzz-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}
