/** The ways in which a Byzantine peer of the chaos lies: see `lies.ts`. */
export const LIE_NAMES = [
  'claims-the-sky',
  'claims-and-withholds',
  'claims-nothing',
  'breaks-blocks',
  'reorders-blocks',
  'forges-own-blocks',
  'breaks-commits',
  'cuts-commits',
  'breaks-certifiers',
  'withholds-certifiers',
  'votes-twice',
  'tears',
  'trickles',
  'talks-garbage',
  'oversizes',
  'puts-off',
  'pushes'
] as const

export type LieName = (typeof LIE_NAMES)[number]
