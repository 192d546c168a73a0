// The worker that the machine runs in.
import { type Port, serve } from "./service.ts";

serve(self as unknown as Port);
