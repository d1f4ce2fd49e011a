const WHAT = 'Choose a JSON file that "Save as JSON" or the command line\'s --out wrote.';

/** Why a file is no result. */
export const RESULT_FILE = {
  tooLarge: `This file is larger than 64 MiB, so it is no result. ${WHAT}`,
  notJson: `This file is not JSON. ${WHAT}`,
  noResult: `This JSON file holds no Joulewise result. ${WHAT}`,
} as const;
