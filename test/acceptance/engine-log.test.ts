/** What users may count on, with the engine `log`. */
import { acceptEngine } from "./engine-acceptance.ts";

acceptEngine("log");
