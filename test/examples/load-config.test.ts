import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { LOG_COMPONENTS } from '../../examples/cli/config-schema.ts'
import { loadConfig } from '../../examples/cli/load-config.ts'

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'soma-config-'))
})
after(() => rm(directory, { recursive: true }))

async function configFile(text: string, name = 'node.yaml'): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, text)
  return path
}

async function refuses(text: string, code: string, message: RegExp): Promise<void> {
  const file = await configFile(text)
  await assert.rejects(loadConfig(file, {}), { code, message })
}

test('a file of one key is enough', async () => {
  const config = await loadConfig(await configFile('genesis: genesis.bin'), {})
  assert.deepEqual(config, {
    genesis: join(directory, 'genesis.bin'),
    dataDir: join(directory, 'soma-data'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    seeds: [],
    peers: [],
    network: {},
    sync: {},
    http: { listen: '127.0.0.1:0' },
    consensus: 'none',
    scripted: { seed: 1, transactions: 10, transactionBytes: 400, roundIntervalMs: 250, rotation: true },
    transactions: 'opaque',
    executor: 'ledger',
    log: { level: 'info', components: {} }
  })
})

test('JSON is read as well', async () => {
  const file = await configFile('{"genesis": "/g.bin", "sync": {"commitsPerRange": 10}}', 'node.json')
  const config = await loadConfig(file, {})
  assert.equal(config.genesis, '/g.bin')
  assert.deepEqual(config.sync, { commitsPerRange: 10 })
})

test('flags go over the file, within sections too, and name paths from the working directory', async () => {
  const file = await configFile(
    'genesis: g.bin\ndataDir: data\nlog:\n  level: warn\n  components: { libp2p:tcp: debug }'
  )
  const config = await loadConfig(file, { dataDir: 'elsewhere', key: undefined, log: { level: 'trace' } })
  assert.equal(config.genesis, join(directory, 'g.bin'))
  assert.equal(config.dataDir, join(process.cwd(), 'elsewhere'))
  assert.deepEqual(config.log, { level: 'trace', components: { 'libp2p:tcp': 'debug' } })
})

test('flags alone are enough', async () => {
  const config = await loadConfig(undefined, { genesis: 'g.bin' })
  assert.equal(config.genesis, join(process.cwd(), 'g.bin'))
})

test('a log component that does not exist is named with the closest that does, and all that there are are taken', async () => {
  await refuses(
    'genesis: g\nlog:\n  components:\n    soma-p2p:state-sink: debug',
    'CONFIG_UNKNOWN_KEY',
    /:4: unknown key log\.components\.soma-p2p:state-sink: did you mean log\.components\.soma-p2p:state-sync\?$/
  )
  const src = new URL('../../src/', import.meta.url)
  const files = (await readdir(src, { recursive: true })).filter((name) => name.endsWith('.ts'))
  const texts = await Promise.all(files.map((name) => readFile(new URL(name, src), 'utf8')))
  const named = texts.flatMap((text) => [...text.matchAll(/\.forComponent\('([^']+)'\)/g)].map(([, name]) => name))
  assert.deepEqual(named.toSorted(), LOG_COMPONENTS.toSorted())
  for (const name of ['soma-p2p', 'libp2p', 'libp2p:kad-dht', ...LOG_COMPONENTS])
    await loadConfig(await configFile(`genesis: g\nlog: { components: { ${name}: debug } }`), {})
})

test('an unknown key is named with its line and the closest known one', async () => {
  await refuses(
    'genesis: g\nlisten: []\nseed: []',
    'CONFIG_UNKNOWN_KEY',
    /node\.yaml:3: unknown key seed: did you mean seeds\?$/
  )
  await refuses(
    'genesis: g\nsync:\n  commitsPerRange: 1\n  maxBytesInflight: 5000000',
    'CONFIG_UNKNOWN_KEY',
    /:4: unknown key sync\.maxBytesInflight: did you mean sync\.maxBytesInFlight\?$/
  )
  await refuses(
    'genesis: g\nscripted:\n  intervalMs: 1',
    'CONFIG_UNKNOWN_KEY',
    /did you mean scripted\.roundIntervalMs\?$/
  )
})

test('a wrong value is named with its line and what it should be', async () => {
  await refuses(
    'dataDir: d',
    'CONFIG_WRONG_VALUE',
    /genesis should be the path of a file, and is missing: give it with --genesis, /
  )
  await refuses(
    'genesis: g\nsync:\n  commitsPerRange: 101',
    'CONFIG_WRONG_VALUE',
    /:3: sync\.commitsPerRange should be a whole number from 1 to 100, not 101$/
  )
  await refuses(
    'genesis: g\nsync:\n  keepCommits: 1.5',
    'CONFIG_WRONG_VALUE',
    /should be a whole number from 1, not 1\.5$/
  )
  await refuses(
    'genesis: g\nnetwork: fast',
    'CONFIG_WRONG_VALUE',
    /network should be a section with targetConnections, /
  )
  await refuses(
    'genesis: g\nseeds: [/ip4/127.0.0.1/tcp/1]',
    'CONFIG_WRONG_VALUE',
    /seeds\[0\] should be a multiaddr with a peer id/
  )
  await refuses(
    'genesis: g\nlisten: /ip4/127.0.0.1/tcp/1',
    'CONFIG_WRONG_VALUE',
    /listen should be a list of multiaddrs, not "/
  )
  await refuses(
    'genesis: g\nlisten: [localhost:9000]',
    'CONFIG_WRONG_VALUE',
    /listen\[0\] should be a multiaddr such as/
  )
  await refuses(
    'genesis: g\nlog:\n  level: loud',
    'CONFIG_WRONG_VALUE',
    /log\.level should be one of silent, .*, not "loud"$/
  )
  await refuses('genesis: g\nlog:\n  components: { x: 7 }', 'CONFIG_WRONG_VALUE', /log\.components\.x should be one of/)
  await refuses('genesis: g\nconsensus: scripted', 'CONFIG_WRONG_VALUE', /key should be a validator's key file/)
  await refuses(
    'genesis: g\nnetwork: { targetConnections: 30, maxConnections: 20 }',
    'CONFIG_WRONG_VALUE',
    /targetConnections should be at most network\.maxConnections, and 30 is over 20$/
  )
})

test('a wrong flag is called one', async () => {
  const file = await configFile('genesis: g')
  await assert.rejects(loadConfig(file, { listen: ['x'] }), {
    code: 'CONFIG_WRONG_VALUE',
    message: /^flag listen\[0\] should be/
  })
})

test('a file that is not there, not YAML, or not a set of keys says so', async () => {
  await assert.rejects(loadConfig(join(directory, 'none.yaml'), {}), { code: 'CONFIG_UNREADABLE' })
  await refuses('genesis: [', 'CONFIG_SYNTAX', /node\.yaml:\d+: /)
  await refuses('genesis: a\ngenesis: b', 'CONFIG_SYNTAX', /:2: Map keys must be unique/)
  await refuses('- a list', 'CONFIG_SYNTAX', /should be a set of keys and values/)
})

test('aliases that lead nowhere, or into themselves, are refused; others stand for what they name', async () => {
  await refuses('genesis: *nobody', 'CONFIG_SYNTAX', /alias/)
  await refuses('genesis: &a [*a]', 'CONFIG_SYNTAX', /alias/)
  await refuses('genesis: g\nlog: { components: &c { libp2p: *c } }', 'CONFIG_SYNTAX', /alias/)
  const { log } = await loadConfig(
    await configFile('genesis: g\nlog: { level: &l debug, components: { libp2p: *l } }'),
    {}
  )
  assert.deepEqual(log.components, { libp2p: 'debug' })
})

test('the allowlist takes peer ids, and addresses with a peer id at their end', async () => {
  const id = '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X'
  const withList = (entry: string) => configFile(`genesis: g\nnetwork: { allowlist: [${entry}] }`)
  for (const entry of [id, `/ip4/192.0.2.7/p2p/${id}`, `/ip6/2001:db8::1/tcp/9000/p2p/${id}`])
    assert.deepEqual((await loadConfig(await withList(entry), {})).network.allowlist, [entry])
  for (const entry of ['nobody', '/ip4/192.0.2.7/tcp/9000'])
    await assert.rejects(loadConfig(await withList(entry), {}), { code: 'CONFIG_WRONG_VALUE' })
})

test('epochs need the executor whose state they hand over', async () => {
  const text = 'genesis: g.bin\nkey: k.json\nconsensus: scripted\nscripted: { epochCommits: 5 }\n'
  const { scripted } = await loadConfig(await configFile(text), {})
  assert.equal(scripted.epochCommits, 5)
  await refuses(
    `${text}executor: none\n`,
    'CONFIG_WRONG_VALUE',
    /executor should be ledger when scripted\.epochCommits/
  )
})
