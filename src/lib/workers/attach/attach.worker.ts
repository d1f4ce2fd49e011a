import { serve } from '../../core/rpc';
import { attachProfile } from './attach';
import type { AttachApi } from './protocol';

serve<AttachApi>({ attach: ({ file }) => attachProfile(file) });
