import { Command, InvalidArgumentError } from 'commander'
import { encodeCommittee } from '../../src/consensus/committee.ts'
import { encodeGenesis } from '../../src/consensus/genesis.ts'
import { DIGEST_LENGTH } from '../../src/consensus/limits.ts'
import { normaliseVotingPowers } from '../../src/consensus/voting-power.ts'
import { fromHex, toHex } from '../../src/runtime/hex.ts'
import { UsageError } from './cli-error.ts'
import { writeNewFile } from './new-file.ts'
import { parseValidator, type ValidatorArgument } from './parse-validator.ts'
import { peerIdOfNetworkKey, readDescriptor, type ValidatorDescriptor } from './validator-descriptor.ts'

const help = `
FILE is a validator's public part (validator.pub.json) or its key file. STAKE is a whole number from 1 to ${Number.MAX_SAFE_INTEGER}
(1 unless given); stakes are scaled to voting powers that sum to 10,000, of which 6,667 are a quorum. ADDRESS is a multiaddr under which the validator is
reached. The chain id is the digest of the file: whoever has the same file is on the same chain.

Examples:
  $ soma-p2p genesis --validator validator.pub.json --out genesis.bin
  $ soma-p2p genesis -v a.pub.json:300:/ip4/10.0.0.1/tcp/9000 -v b.pub.json:200 -v c.pub.json:200`

interface GenesisOptions {
  validator: ValidatorArgument[]
  out: string
  startTime: number | undefined
  stateHash: Uint8Array
}

/** `genesis`: makes a genesis file from validators and their stakes. */
export function genesisCommand(): Command {
  return new Command('genesis')
    .summary('make a genesis file from validators and their stakes')
    .description('Makes the genesis file of a new chain from its validators and their stakes, and prints the chain id.')
    .requiredOption(
      '-v, --validator <FILE[:STAKE[:ADDRESS,...]]>',
      'a validator; once for each, in any order',
      (text, before: ValidatorArgument[] | undefined) => [...(before ?? []), parseValidator(text)]
    )
    .option('-o, --out <file>', 'where the genesis goes; never overwritten', 'genesis.bin')
    .option('--start-time <time>', 'start of the chain, as an ISO 8601 date or milliseconds (default: now)', parseTime)
    .option('--state-hash <hex>', 'digest of the state before the first commit (default: zeros)', parseHash)
    .addHelpText('after', help)
    .action(async ({ validator, out, startTime, stateHash }: GenesisOptions) => {
      const descriptors = await Promise.all(validator.map(({ file }) => readDescriptor(file)))
      checkDistinct(
        descriptors,
        validator.map(({ file }) => file)
      )
      const powers = normaliseVotingPowers(validator.map(({ stake }) => stake))
      const committee = encodeCommittee({
        epoch: 0,
        validators: descriptors.map((descriptor, index) => ({
          ...descriptor,
          votingPower: powers[index] as number,
          addresses: validator[index]?.addresses ?? []
        }))
      })
      const genesis = encodeGenesis({
        validatorSet: committee.bytes,
        startTimeMs: startTime ?? Date.now(),
        stateHash: stateHash ?? new Uint8Array(DIGEST_LENGTH)
      })
      await writeNewFile(out, genesis.bytes)
      console.log(`chain id    ${toHex(genesis.chainId)}`)
      console.log(`start time  ${new Date(genesis.startTimeMs).toISOString()}`)
      for (const [index, { networkKey, votingPower }] of committee.validators.entries()) {
        console.log(`validator ${index} ${peerIdOfNetworkKey(networkKey)} power ${votingPower}`)
      }
      console.log(`genesis     ${out}`)
    })
}

/** No key may be two validators': most often a validator was given twice. */
function checkDistinct(descriptors: readonly ValidatorDescriptor[], files: readonly string[]): void {
  for (const key of ['authorityKey', 'protocolKey', 'networkKey'] as const) {
    const holders = new Map<string, string>()
    for (const [index, descriptor] of descriptors.entries()) {
      const file = files[index] as string
      const before = holders.get(toHex(descriptor[key]))
      if (before !== undefined)
        throw new UsageError(
          'USAGE',
          `validator ${peerIdOfNetworkKey(descriptor.networkKey)} is given twice: ${before === file ? file : `${before} and ${file}`}`
        )
      holders.set(toHex(descriptor[key]), file)
    }
  }
}

function parseTime(text: string): number {
  const time = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isNaN(new Date(time).getTime()) || time < 0)
    throw new InvalidArgumentError('It should be a date such as 2026-11-21T12:00:00Z, or milliseconds since 1970.')
  return time
}

function parseHash(text: string): Uint8Array {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) throw new InvalidArgumentError('It should be 64 hexadecimal digits.')
  return fromHex(text)
}
