/**
 * Words that tickets write with capitals and that name nobody: English and technical words, teams, forms of address,
 * vendors, days and months. A run of capitalised words ends as a name where one of them begins.
 */
const ORDINARY = new Set(
  `
rack racks tray blade aisle cage pod feeders cabinets a about above access according account accounts action active activity actual adapter add added additional address
admin administrator advanced affected after again agent aggregation air alarm alarms alert alerts alive all also am
amplifier an analysis and antenna any app appliance application appointment approved architecture are area array as
asap assigned at attenuation authentication auto automated automatic availability available average back backbone
backup bad band bandwidth bank base based battery before best between billing bit block blue board border both
box branch bridge broadband broken bts building bug bus business but button by cabinet cable call caller calls can
cannot capacity card care carrier case cause cell central centre center certificate change changed changes channel
chassis check checked circuit city class cleaned clear cleared client clients clock close closed closing cluster code
cold colleague colleagues command comment comments common communication communications company complaint component
computer configuration confirmed confirmation congestion connect connected connection connector console contact
contacts contract control controller conversation converter cooling copper core correlation corporate correct cos
could country coupler cpe cpu crash crc critical current customer customers cut daily damage damaged data database
date datacenter days dead dear december dedicated default defect degraded delay delivery demarcation department
deployment description desk detail details detected device devices diagnostic did digital direct director disabled
disconnected disk dispatch dispatcher display distribution do does domain done door down downstream drive driver drop
dropped due duplicate during duty dying each early earth east electric electrical element email emergency employee
enable enabled end endpoint energy engineer engineering engineers enterprise environment equipment error errors
escalated escalation est ethernet event events every exchange existing expected external facilities facility failed
failure false fan far fast fault faults faulty february feed feeder fiber fibre field file filter final fire firewall
firmware first fitter fixed fixing flapping for forecast found frame frequency friday from front fuel full function
further fuse gain gasp gateway general generator global good got grid ground group guest had half handed handover hard
hardware has have head headquarters health heat heating heavy hello help helpdesk her here hi high him his history
hold holding home host hot hotline hour hours house how hub human i idle if impact impacted important in inbound
incident incidents incoming incorrect indoor info information infrastructure initial input inside inspection install
installation installer instance integration intermittent internal internet into inventory investigate investigating
investigation invoice is issue issues it item its january job july june junction just keep kernel key kind known lab lamp
lan landline laptop large laser last late latency layer lead leak led left level license licence light lightning like
line lines link links list live load local location log login logs long loop loss lost low mail mailbox main mainframe
mains maintenance make management manager managed manual many march master maximum me measurement media memory
message messages meter micro microwave middle minimum minor missing mobile model modem module monday monitor
monitoring month more morning most mount move ms multiple must my near need needs negative neighbour neighbor network
networks new next night no node noc noise none normal north not note notes nothing notice notification november now
number object october odd of off office offline old on once one online only open opened opening operation operational
operations operator operators optic optical optics or order orders other others our out outage outbound outdoor
outgoing output outside over overload overnight own owner owners packet packets panel part partial partner
partners parts passive password past patch path payment peak peer peering pending per performance permanent person
phase phone physical picture pilot pipe pit place plan planned planning plant platform please plug point poor port
ports portal position possible post postpaid power prepaid preparation present pressure primary prior priority private
problem problems procedure process processing processor product production profile program project protection protocol
provider provisioning public pump quality query queue quick radio rain random range rate reach reason rebooted reboot
received recovery rectifier redundant reference regards region regional register regular reload remote repair
repaired repeat replace replaced replacement reply report reported reporting reports request requested requester
requests required reseller reset resident resolution resolved resource response restart restarted restored restoration
result return review right ring risk road roaming rollback room root round route router routers routing row safety
sales same satellite saturday scheduled second secondary section sector security segment self sent september serial
server servers service services session set setting settings severity shared sheet shelf shift short should shut side
signal signalling silent since single sir site sites slot slow small smart smoke smtp so software solar some son
source south spanning spare special specialist speed spectrum splice split splitter spoke staff stable standard
standby start state station status step still stock stop storage street strong subscriber subscribers sub
summary sunday super supervisor supplier supply support suspect suspected switch switches switching symptom sync
synchronisation synchronization system systems table task team teams tech technical technician technicians telecom
telephone temperature temporary tenant terminal test tested testing text thank thanks that the their them then there
these they third this those three threshold through thursday ticket tickets tier time timeout to today together token
tomorrow tone tool top topology total tower track traffic transfer transformer transmission transmitter transport tree
trial trouble troubleshooting trunk tuesday tunnel tv two type uninterruptible under unit units unknown unplanned
until up update updated updates upgrade upgraded upstream urgent us use used user users utility utilisation
utilization vacation valid value valued vendor vendors verification version via video view virtual visit voice voip
voltage volume waiting wall warning warranty was watch water we web wednesday week weekend welcome were west wet what
when where which while who why wide wifi wi-fi will wind window windows wire wireless wiring with within without work
worker working workload workstation would wrong yard year yellow yes yesterday you your zero zone madam sirs folks
everyone inc ltd limited gmbh llc corp cheers android apache apple arista aruba avaya aws azure calix ciena cisco
citrix dell docker ericsson extreme fortinet fortigate fujitsu github gitlab google grafana hp huawei ibm infinera
intel ios iphone jenkins jira juniper kafka kubernetes linux mikrotik microsoft motorola mysql nagios nec netgear
nexus nokia nvidia oracle outlook palo alto postgres prometheus redis redhat sap samsung servicenow sharepoint siemens
solarwinds sony splunk ubiquiti ubuntu vmware vodafone whatsapp word excel zabbix zendesk zoom zte zyxel lte gsm umts
nr gpon xgs dsl adsl vdsl ont olt onu bgp ospf isis mpls vlan vpn dns dhcp ntp snmp sfp qsfp ups psu ac dc bras bng
sbc ims pbx pstn sip rtp rssi rsrp vswr rru bbu enodeb gnodeb nodeb epc hlr hss mme pcrf sgsn ggsn sdh sonet dwdm otn
roadm pop mux sla rfo eta etr cto ceo hr qa ok tbd fyi utc gmt cet cest pm montag dienstag mittwoch donnerstag freitag
samstag sonntag januar februar märz juni juli oktober dezember die das dem ein eine oder nicht kein keine mit von
vom für im auf bei nach seit bitte danke störung ausfall leitung anschluss kunde kunden kundin techniker netz strom
gerät anlage rückruf telefon fehler meldung lundi mardi mercredi jeudi vendredi samedi dimanche un une ou pas avec
pour dans sur depuis merci panne ligne réseau coupure lunes martes miércoles jueves viernes sábado domingo los las una
o con para en desde gracias cliente clientes fallo línea servicio avería equipo rebooting restarting resetting replacing changing updating upgrading reloading reseating
cleaning clearing splicing swapping adjusting rerouting reconfiguring removing adding disabling enabling checking testing
repairing installing moving cycling patching tuning
`
    .trim()
    .split(/\s+/),
);

/** Whether a word of any case names nobody by itself. */
export const isOrdinary = (word: string) => ORDINARY.has(word.toLowerCase());
