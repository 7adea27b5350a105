import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { decodeGenesis } from '../../src/consensus/genesis.ts'
import { NO_CHAIN } from '../../src/consensus/intent.ts'
import { readKeyFile } from '../../src/node/key-file.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { ed25519PublicKey } from '../../src/verify/ed25519.ts'
import { verifyProofOfPossession } from '../../src/verify/proof-of-possession.ts'
import { soma } from './in-process.ts'

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'soma-main-'))
})
after(() => rm(directory, { recursive: true }))

const file = (name: string): string => join(directory, name)

test('keygen writes the secrets for their owner alone and the public part beside them', async (t) => {
  const { exitCode, stdout } = await soma(t, 'keygen', '--out', file('a.json'))
  assert.equal(exitCode, 0)
  const keys = await readKeyFile(file('a.json'))
  assert.equal(keys.role, 'validator')
  assert.equal((await stat(file('a.json'))).mode & 0o777, 0o600)
  const descriptor = JSON.parse(await readFile(file('a.pub.json'), 'utf8'))
  assert.equal(descriptor.networkKey, toHex(ed25519PublicKey(keys.networkSeed)))
  for (const field of ['peerId', 'networkKey', 'protocolKey', 'authorityKey'])
    assert.ok(stdout.includes(descriptor[field]))
  assert.ok(!JSON.stringify([stdout, descriptor]).includes(toHex(keys.networkSeed)), 'a secret is in the public part')
})

test('keygen --full-node makes a network key only', async (t) => {
  const { stdout } = await soma(t, 'keygen', '--full-node', '--out', file('full.json'))
  assert.match(stdout, /^peer id +12D3KooW\w+$/m)
  assert.equal((await readKeyFile(file('full.json'))).role, 'full')
  assert.ok(!(await readdir(directory)).includes('full.pub.json'))
})

test('genesis scales stakes to voting powers, keeps addresses and prints the chain id', async (t) => {
  await soma(t, 'keygen', '--out', file('b.json'))
  await soma(t, 'keygen', '--out', file('c.json'))
  const validators = ['-v', `${file('b.pub.json')}:2:/ip6/::1/tcp/9000,/ip4/10.0.0.1/tcp/9000`, '-v', file('c.json')]
  const options = ['--start-time', '2026-01-01T00:00:00Z', '--state-hash', 'ab'.repeat(32), '--out', file('two.bin')]
  const { exitCode, stdout, stderr } = await soma(t, 'genesis', ...validators, ...options)
  assert.equal(exitCode, 0, stderr)
  const genesis = decodeGenesis(new Uint8Array(await readFile(file('two.bin'))))
  assert.ok(stdout.includes(toHex(genesis.chainId)))
  assert.equal(genesis.startTimeMs, Date.UTC(2026, 0, 1))
  assert.equal(toHex(genesis.stateHash), 'ab'.repeat(32))
  const byPower = genesis.committee.validators.toSorted((a, b) => b.votingPower - a.votingPower)
  assert.deepEqual(
    byPower.map(({ votingPower, addresses }) => [votingPower, addresses]),
    [
      [6667, ['/ip6/::1/tcp/9000', '/ip4/10.0.0.1/tcp/9000']],
      [3333, []]
    ]
  )
  for (const validator of byPower) assert.ok(verifyProofOfPossession(validator, NO_CHAIN))
})

test('genesis refuses a validator that does not hold its authority key', async (t) => {
  await soma(t, 'keygen', '--out', file('victim.json'))
  await soma(t, 'keygen', '--out', file('thief.json'))
  const victim = JSON.parse(await readFile(file('victim.pub.json'), 'utf8'))
  const thief = JSON.parse(await readFile(file('thief.pub.json'), 'utf8'))
  await writeFile(file('thief.pub.json'), JSON.stringify({ ...thief, authorityKey: victim.authorityKey }))
  const { exitCode, stderr } = await soma(t, 'genesis', '-v', file('thief.pub.json'), '--out', file('stolen.bin'))
  assert.equal(exitCode, 2)
  assert.match(stderr, /its proof of possession is false \[DESCRIPTOR_INVALID\]/)
})

test('mistakes end with exit code 2 and one line that names them', async (t) => {
  await soma(t, 'keygen', '--out', file('validator.json'))
  await soma(t, 'keygen', '--out', file('stranger.json'))
  await soma(t, 'keygen', '--full-node', '--out', file('observer.json'))
  await soma(t, 'genesis', '-v', file('validator.pub.json'), '--out', file('genesis.bin'))
  await writeFile(file('wrong.yaml'), 'genesis: genesis.bin\nlissten: []\n')
  await writeFile(file('package.json'), '{"name":"any"}')
  const node = ['node', '--data-dir', file('data'), '--genesis', file('genesis.bin')]
  const mistakes: [string[], RegExp][] = [
    [
      ['node', '-c', file('wrong.yaml')],
      /wrong\.yaml:2: unknown key lissten: did you mean listen\? \[CONFIG_UNKNOWN_KEY\]/
    ],
    [['node', '--genesis', file('none.bin')], /cannot read the genesis: ENOENT: .*none\.bin.* \[FILE_UNREADABLE\]/],
    [
      ['node', '--genesis', file('validator.json'), '--data-dir', file('data')],
      /validator\.json is not a genesis file \[GENESIS_INVALID\]\. /
    ],
    [[...node, '--consensus', 'scripted'], /key should be a validator's key file/],
    [
      [...node, '--consensus', 'scripted', '--key', file('stranger.json')],
      /is the key of validator 0: name all key files/
    ],
    [[...node, '--key', file('none.json')], /cannot read .*none\.json: ENOENT: .* \[KEY_FILE_UNREADABLE\]\. /],
    [['keygen', '--out', file('validator.json')], /validator\.pub\.json is there already \[KEY_FILE_EXISTS\]\. /],
    [
      ['genesis', '-v', file('validator.pub.json'), '--out', file('genesis.bin')],
      /genesis\.bin is there already \[FILE_EXISTS\]/
    ],
    [
      ['genesis', '-v', file('genesis.bin')],
      /genesis\.bin does not describe a validator: it is not JSON \[DESCRIPTOR_/
    ],
    [
      ['genesis', '-v', file('observer.json')],
      /it is the key of a full node, which has no vote \[DESCRIPTOR_INVALID\]/
    ],
    [
      ['genesis', '-v', file('validator.json'), '-v', file('validator.json'), '--out', file('x')],
      /validator 12D3KooW\w+ is given twice: .*validator\.json \[USAGE\]/
    ],
    [
      [...node, '--key', file('validator.pub.json')],
      /is the public part .*: give the file with the secrets, such as validator\.json \[KEY_FILE_INVALID\]/
    ],
    [
      ['genesis', '-v', file('package.json')],
      /it is neither a validator's public part nor its key file \[DESCRIPTOR_INVALID\]/
    ],
    [['node'], /genesis should be .* and is missing: give it with --genesis, or .*--config \(--help/],
    [
      [...node.slice(0, 1), '--genesis', file('genesis.bin'), '--data-dir', file('wrong.yaml')],
      /the data directory .*wrong\.yaml is a file: choose another --data-dir \[USAGE\]/
    ],
    [
      ['devnet', '--data-dir', join(file('wrong.yaml'), 'inner')],
      /the data directory .*inner lies in a file: choose another --data-dir \[USAGE\]/
    ]
  ]
  for (const [args, message] of mistakes) {
    const { exitCode, stdout, stderr } = await soma(t, ...args)
    assert.match(stderr, message)
    assert.match(stderr, /^error: [^\n]*\n$/, 'one line')
    assert.equal(exitCode, 2, stderr)
    assert.equal(stdout, '')
  }
})

test('an address that is taken is named, and so is a data directory of another chain, with exit code 2, and a damaged one with 3', async (t) => {
  await soma(t, 'keygen', '--out', file('listener.json'))
  await soma(t, 'genesis', '-v', file('listener.pub.json'), '--out', file('listener.bin'))
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`
  const args = ['--genesis', file('listener.bin'), '--data-dir', file('listener'), '--listen', address]
  const { exitCode, stderr } = await soma(t, 'node', ...args)
  server.close()
  const genesis = join(directory, 'listener-2.bin')
  await soma(t, 'genesis', '-v', file('listener.pub.json'), '--start-time', '0', '--out', genesis)
  const other = await soma(t, 'node', '--genesis', genesis, '--data-dir', file('listener'))
  assert.match(other.stderr, /^error: [^\n]*: use another directory, or the other genesis \[STORAGE_WRONG_CHAIN\]\n$/)
  assert.equal(other.exitCode, 2)
  assert.match(
    stderr,
    new RegExp(`^error: cannot listen on ${address}: listen EADDRINUSE[^\n]* \\[LISTEN_FAILED\\]\\. [^\n]*\n$`)
  )
  assert.equal(exitCode, 2)
  assert.deepEqual(await readdir(file('listener')), ['chain', 'ledger', 'network-key.json'], 'the socket is left')

  for (const [part, code] of [
    ['ledger', 'LEDGER_CORRUPTED'],
    ['chain', 'STORAGE_CORRUPTED']
  ] as const) {
    await rm(join(file('listener'), part, 'CURRENT'))
    const damaged = await soma(t, 'node', '--genesis', file('listener.bin'), '--data-dir', file('listener'))
    assert.match(
      damaged.stderr,
      new RegExp(`^error: [^\n]*${part} [^\n]*move the directory away[^\n]* \\[${code}\\]\\. Check the disk`)
    )
    assert.equal(damaged.exitCode, 3, damaged.stderr)
  }
})

test('flags that do not exist or cannot have their value are named, with exit code 2', async (t) => {
  const mistakes: [string[], RegExp][] = [
    [['node', '--lisen', 'x'], /unknown option '--lisen'\n\(Did you mean --listen\?\)/],
    [['stats'], /unknown command 'stats'\n\(Did you mean status\?\)/],
    [['genesis'], /required option '-v, --validator/],
    ...['0', 'abc', '-5', '1.5', '', '9007199254740992', 'abc:/ip6/::1'].map((stake): [string[], RegExp] => [
      ['genesis', '-v', `a:${stake}`],
      new RegExp(`A stake is a whole number from 1 to 9007199254740991, not "${stake.split(':')[0]}"\\.`)
    ]),
    [['genesis', '-v', 'a:5:'], /It should be FILE\[:STAKE\[:ADDRESS,\.\.\.\]\]\./],
    [['genesis', '-v', 'a:1:localhost'], /localhost is not a multiaddr/],
    [['genesis', '-v', 'a', '--start-time', 'noon'], /It should be a date/],
    [['genesis', '-v', 'a', '--start-time', '8640000000000001'], /It should be a date/],
    [['node', '--consensus', 'real'], /Allowed choices are none, scripted\./],
    [[], /^Usage: soma-p2p /]
  ]
  for (const [args, message] of mistakes) {
    const { exitCode, stderr } = await soma(t, ...args)
    assert.match(stderr, message)
    assert.equal(exitCode, 2, stderr)
  }
})

test("a failure that is nobody's mistake ends with exit code 1", async (t) => {
  const { exitCode, stderr } = await soma(t, 'status', '--data-dir', file('nowhere'))
  assert.equal(exitCode, 1)
  assert.match(stderr, /^error: no node is running on [^\n]* \[CONTROL_NO_NODE\]\. Start one [^\n]*\n$/)
})

test('every command has a help with examples', async (t) => {
  const own = [['keygen'], ['genesis'], ['node'], ['status'], ['peers'], ['ban'], ['unban'], ['checkpoint'], ['devnet']]
  const offline = ['commit', 'block', 'store', 'verify'].map((name) => ['inspect', name])
  const files = [
    ['export'],
    ['import'],
    ['config'],
    ['config', 'check'],
    ['config', 'schema'],
    ['completion'],
    ['inspect']
  ]
  for (const command of [...own, ...offline, ...files]) {
    const { exitCode, stdout } = await soma(t, ...command, '--help')
    assert.equal(exitCode, 0)
    assert.match(stdout, new RegExp(`^Usage: soma-p2p ${command.join(' ')} `))
    assert.match(stdout, /Examples:\n {2}\$ \S/, command.join(' '))
  }
  assert.match((await soma(t, '--version')).stdout, /^\d+\.\d+\.\d+\n$/)
})
