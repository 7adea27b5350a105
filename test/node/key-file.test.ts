import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  generateNetworkKey,
  generateValidatorSecrets,
  networkPrivateKeyOf,
  peerIdOf,
  readKeyFile,
  writeKeyFile
} from '../../src/node/key-file.ts'
import { bytesEqual } from '../../src/runtime/hex.ts'
import { ed25519PublicKey } from '../../src/verify/ed25519.ts'

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'soma-keys-'))
})
after(() => rm(directory, { recursive: true }))

test('what is written is read again, for a validator and for a full node', async () => {
  for (const [name, keys] of Object.entries({ validator: generateValidatorSecrets(), full: generateNetworkKey() })) {
    const path = join(directory, `${name}.json`)
    await writeKeyFile(path, keys)
    assert.deepEqual(await readKeyFile(path), keys)
  }
})

const hasSmallDisks = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0

test('a full disk leaves no half of a key file, which no later start could read', {
  skip: !hasSmallDisks
}, async () => {
  const mount = join(directory, 'full')
  await mkdir(mount)
  const module = new URL('../../src/node/key-file.ts', import.meta.url).href
  const script = `
    import { writeFileSync, readdirSync } from 'node:fs'
    import { generateNetworkKey, writeKeyFile } from '${module}'
    try { writeFileSync('${mount}/filler', Buffer.alloc(1 << 20)) } catch {}
    await writeKeyFile('${mount}/key.json', generateNetworkKey()).catch(({ code }) => console.log(code))
    console.log(readdirSync('${mount}').join())`
  const shell = `mount -t tmpfs -o size=64k tmpfs '${mount}' && exec "$0" "$@"`
  const run = [process.execPath, '-C', 'source', '--input-type=module', '-e', script]
  const { stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', shell, ...run], { encoding: 'utf8' })
  assert.equal(stdout, 'KEY_FILE_UNWRITABLE\nfiller\n', stderr)
})

test('no two keys are the same', () => {
  const { networkSeed, protocolSeed, authoritySeed } = generateValidatorSecrets()
  const seeds = [networkSeed, protocolSeed, authoritySeed, generateNetworkKey().networkSeed]
  assert.equal(new Set(seeds.map((seed) => Buffer.from(seed).toString('hex'))).size, 4)
})

test('the network seed gives the key of the peer id', async () => {
  const keys = generateNetworkKey()
  const privateKey = await networkPrivateKeyOf(keys)
  assert.ok(bytesEqual(privateKey.publicKey.raw, ed25519PublicKey(keys.networkSeed)))
  assert.match(await peerIdOf(keys), /^12D3KooW/)
})

test('only the owner can read a key file, and one that others can read is refused', async () => {
  const path = join(directory, 'mode.json')
  await writeKeyFile(path, generateNetworkKey())
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  await chmod(path, 0o644)
  await assert.rejects(readKeyFile(path), { code: 'KEY_FILE_EXPOSED' })
  await writeFile(path, '{"name":"nothing secret"}')
  await assert.rejects(readKeyFile(path), { code: 'KEY_FILE_INVALID' })
  await writeKeyFile(join(directory, 'group.json'), generateNetworkKey())
  await chmod(join(directory, 'group.json'), 0o640)
  await readKeyFile(join(directory, 'group.json'))
})

test('a key file is never overwritten', async () => {
  const path = join(directory, 'kept.json')
  await writeKeyFile(path, generateNetworkKey())
  const before = await readFile(path)
  await assert.rejects(writeKeyFile(path, generateNetworkKey()), { code: 'KEY_FILE_EXISTS' })
  assert.deepEqual(await readFile(path), before)
  await assert.rejects(writeKeyFile(join(directory, 'no', 'such'), generateNetworkKey()), {
    code: 'KEY_FILE_UNWRITABLE'
  })
})

test('a damaged key file says what is wrong, and never what is in it', async () => {
  const path = join(directory, 'damaged.json')
  await writeKeyFile(path, generateNetworkKey())
  const text = await readFile(path, 'utf8')
  const seed = JSON.parse(text).networkSeed
  const damage: [string, RegExp][] = [
    [text.replace(seed, seed.slice(1)), /networkSeed: should be 64 hexadecimal digits/],
    [text.replace(seed, 'ab'.repeat(32)), /its network key gives 12D3KooW\w+, not 12D3KooW/],
    [text.slice(0, -10), /not JSON/],
    [text.replace('network-key/1', 'network-key/2'), /kind/],
    ['{}', /kind/],
    ['"text"', /content/]
  ]
  for (const [content, message] of damage) {
    await writeFile(path, content)
    await assert.rejects(readKeyFile(path), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'KEY_FILE_INVALID')
      assert.match(error.message, message)
      assert.ok(!error.message.includes(seed.slice(1)), 'the message holds the secret')
      return true
    })
  }
  await assert.rejects(readKeyFile(join(directory, 'none.json')), { code: 'KEY_FILE_UNREADABLE' })
})
