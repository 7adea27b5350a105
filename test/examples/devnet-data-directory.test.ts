import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openDataDirectory } from '../../examples/devnet/data-directory.ts'

const settings = { seed: 1, validators: 4, commits: 1000, transactions: 10, transactionBytes: 400 }
const nothing = new Set<never>()
let parent: string
before(async () => {
  parent = await mkdtemp(join(tmpdir(), 'soma-devnet-test-'))
})
after(() => rm(parent, { recursive: true }))

test('a temporary directory is gone in the end', async () => {
  const { path, close } = await openDataDirectory({ path: undefined, settings, asked: nothing })
  await writeFile(join(path, 'file'), '')
  await close()
  await assert.rejects(stat(path), { code: 'ENOENT' })
})

test('a given directory is made, kept, and opens again with the settings of its chain', async () => {
  const path = join(parent, 'a', 'b')
  const made = await openDataDirectory({ path, settings: { ...settings, commits: 7 }, asked: new Set(['commits']) })
  await made.close()
  const again = await openDataDirectory({ path, settings, asked: new Set(['seed', 'validators']) })
  assert.deepEqual(again.settings, { ...settings, commits: 7 })
})

test('settings that were asked for and are not those of the chain are refused', async () => {
  const path = join(parent, 'refused')
  await openDataDirectory({ path, settings, asked: nothing })
  for (const [name, value] of Object.entries({
    seed: 2,
    validators: 5,
    commits: 1001,
    transactions: 9,
    transactionBytes: 1
  })) {
    const key = name as keyof typeof settings
    const flag = key === 'transactionBytes' ? '--transaction-bytes' : `--${key}`
    await assert.rejects(openDataDirectory({ path, settings: { ...settings, [key]: value }, asked: new Set([key]) }), {
      code: 'USAGE',
      message: new RegExp(`${flag} ${settings[key]}, not ${value}`)
    })
  }
})

test('a chain without epochs and one with are not the same', async () => {
  const asked = new Set(['epochCommits'] as const)
  const endless = join(parent, 'endless')
  await openDataDirectory({ path: endless, settings, asked: nothing })
  await assert.rejects(openDataDirectory({ path: endless, settings: { ...settings, epochCommits: 7 }, asked }), {
    code: 'USAGE',
    message: /holds a devnet without --epoch-commits, not 7/
  })
  const path = join(parent, 'epochs')
  await openDataDirectory({ path, settings: { ...settings, epochCommits: 7 }, asked })
  const again = await openDataDirectory({ path, settings, asked: nothing })
  assert.equal(again.settings.epochCommits, 7)
  await assert.rejects(openDataDirectory({ path, settings: { ...settings, epochCommits: 8 }, asked }), {
    message: /with --epoch-commits 7, not 8/
  })
})

test('a directory of something else is refused and left as it was', async () => {
  const path = join(parent, 'else')
  await openDataDirectory({ path, settings, asked: nothing })
  await writeFile(join(path, 'devnet.json'), '{"seed":1}')
  await assert.rejects(openDataDirectory({ path, settings, asked: nothing }), { code: 'USAGE' })
  await rm(join(path, 'devnet.json'))
  await writeFile(join(path, 'letter.txt'), 'dear')
  await assert.rejects(openDataDirectory({ path, settings, asked: nothing }), { code: 'USAGE' })
  assert.deepEqual(await readdir(path), ['letter.txt'])
})
