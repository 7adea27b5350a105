import { access } from 'node:fs/promises'
import { Command } from 'commander'
import {
  generateNetworkKey,
  generateValidatorSecrets,
  KeyFileError,
  peerIdOf,
  writeKeyFile
} from '../../src/node/key-file.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { writeNewFile } from './new-file.ts'
import { describeValidator, formatDescriptor } from './validator-descriptor.ts'

const help = `
Writes two files: the secrets to FILE, which only you can read, and the public part beside it (validator.json and
validator.pub.json), which is for whoever makes the genesis. A full node has a network key only and no public part.

Examples:
  $ soma-p2p keygen --out validator-1.json
  $ soma-p2p keygen --full-node --out full-node.json`

/** `keygen`: makes the keys of a validator or a full node. */
export function keygenCommand(): Command {
  return new Command('keygen')
    .summary('make the keys of a validator or a full node')
    .description('Makes the keys of a validator (network, protocol, authority) or of a full node (network).')
    .option('-o, --out <file>', 'where the secrets go; never overwritten', 'validator.json')
    .option('--full-node', 'make the network key of a full node', false)
    .addHelpText('after', help)
    .action(async ({ out, fullNode }: { out: string; fullNode: boolean }) => {
      await (fullNode ? makeFullNodeKey(out) : makeValidatorKeys(out))
    })
}

async function makeFullNodeKey(out: string): Promise<void> {
  const keys = generateNetworkKey()
  await writeKeyFile(out, keys)
  console.log(`peer id        ${await peerIdOf(keys)}`)
  console.log(`secret key     ${out}`)
}

async function makeValidatorKeys(out: string): Promise<void> {
  const keys = generateValidatorSecrets()
  const publicPath = `${out.replace(/\.json$/, '')}.pub.json`
  if (await exists(publicPath)) throw new KeyFileError('KEY_FILE_EXISTS', `${publicPath} is there already`)
  await writeKeyFile(out, keys)
  const descriptor = describeValidator(keys)
  await writeNewFile(publicPath, formatDescriptor(descriptor))
  console.log(`peer id        ${await peerIdOf(keys)}`)
  console.log(`network key    ${toHex(descriptor.networkKey)}`)
  console.log(`protocol key   ${toHex(descriptor.protocolKey)}`)
  console.log(`authority key  ${toHex(descriptor.authorityKey)}`)
  console.log(`secret keys    ${out}`)
  console.log(`public part    ${publicPath}`)
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false // whatever else is wrong with the path, writing will say
  )
}
